import { expect, test } from "vitest";
import { sort, type Evidence } from "#worker/canary/evidence.ts";
import { judgeLimits } from "#worker/canary/judge-limits.ts";
import type { Observation } from "#worker/canary/observation.ts";

const limits = { memoryBytes: 256 * 2 ** 20, diskBytes: 2 ** 28, cpus: 2, pids: 128, timeoutMs: 1_000 };
const evidence: Evidence = {
  limits,
  ranges: [],
  gateway: "",
  own: [],
  dns: [],
  target: undefined,
  observations: [],
  hits: [],
  outside: { privileged: false, readOnly: true, mountTypes: [] },
  outOfMemory: true,
};
/** Every limit reads as it must; what was tried goes by the test. */
const read = (
  [
    ["memory", limits.memoryBytes],
    ["cpus", 2],
    ["pids", 128],
    ["nofile", 4096],
    ["nproc", 4096],
    ["core", 0],
  ] as const
).map(([name, value]): Observation => ({ kind: "limit", name, value }));
const files: Observation = { kind: "files", opened: 4076, refused: true };
const fork: Observation = { kind: "fork", made: 120, refused: true };
const allocation: Observation = { kind: "allocation", killed: true };

function named(...tried: Observation[]): string[] {
  const findings = judgeLimits(evidence, sort([...read, ...tried]));
  return Object.keys(findings).filter((name) => findings[name] !== undefined);
}

test("limits that are written down and held pass", () => {
  expect(named(files, fork, allocation)).toEqual([]);
});

test.each<[string, Observation[], string]>([
  ["files are opened beyond theirs", [{ ...files, opened: 4104, refused: false }, fork, allocation], "ulimits"],
  ["opening files was not tried", [fork, allocation], "ulimits"],
  ["processes are made beyond theirs", [files, { ...fork, refused: false }, allocation], "pids"],
  ["memory is used beyond its own", [files, fork, { ...allocation, killed: false }], "memory"],
])("limits that are written down but do not hold are named where %s", (_, tried, proof) => {
  expect(named(...tried)).toEqual([proof]);
});
