import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import type { TestProject } from "vitest/node";
import { failpoints } from "#common/failpoints.ts";
import { keepFailpointRecord, readHits, recordHits } from "./failpoint-record.ts";

const root = path.join(import.meta.dirname, "../..");
const faultFiles = readdirSync(path.join(root, "test/faults")).filter((name) => name.endsWith(".test.ts"));

/** A run in which these files passed and these failpoints were hit: its end. */
function endRun(passed: readonly string[], hit: readonly string[]): () => void {
  let record = "";
  const files = passed.map((name) => ({ filepath: path.join(root, "test/faults", name), result: { state: "pass" } }));
  const project = {
    provide: (_: string, file: string) => void (record = file),
    config: { root },
    vitest: { state: { getFiles: () => files } },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is asked of it
  const end = keepFailpointRecord(project as unknown as TestProject);
  recordHits(record, hit);
  return end;
}

test("a run of all faults ends with an error that names the failpoints that nobody hit, and one of fewer does not", () => {
  expect(endRun(faultFiles, failpoints.slice(2))).toThrow(`hit the failpoints ${failpoints[0]}, ${failpoints[1]}`);
  expect(endRun(faultFiles, failpoints)).not.toThrow();
  expect(endRun(faultFiles.slice(1), [])).not.toThrow();
});

test("hits are read from what a daemon said when it acted, and from nothing else", () => {
  const log =
    'failpoint publish.after-fence: kill at hit 1\n{"msg":"failpoint route.before: no"}\nfailpoint route.before: hold at hit 2\n';
  expect(readHits(log)).toEqual(["publish.after-fence", "route.before"]);
});
