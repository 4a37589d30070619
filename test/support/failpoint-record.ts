import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { failpoints } from "#common/failpoints.ts";

declare module "vitest" {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- only an interface can be added to
  export interface ProvidedContext {
    /** Where stacks write which failpoints their daemons hit. */
    failpointRecord: string;
  }
}

/**
 * Holds at a run's end that every failpoint was really hit, by the daemons' own word. Only of a run of all fault tests, none of which failed:
 * fewer cannot hit them all, and a failed one says so itself.
 */
export function keepFailpointRecord(project: TestProject): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), "catapult-failpoints-"));
  const file = path.join(folder, "hit");
  project.provide("failpointRecord", file);
  return () => {
    const hit = existsSync(file) ? new Set(readFileSync(file, "utf8").split("\n")) : new Set<string>();
    rmSync(folder, { recursive: true, force: true });
    const passed = project.vitest.state.getFiles().flatMap((one) => (one.result?.state === "pass" ? [one.filepath] : []));
    const faults = path.join(project.config.root, "test/faults");
    const all = readdirSync(faults).filter((name) => name.endsWith(".test.ts"));
    if (!all.every((name) => passed.includes(path.join(faults, name)))) return;
    const missed = failpoints.filter((name) => !hit.has(name));
    if (missed.length > 0) throw new Error(`No daemon of this run hit the failpoints ${missed.join(", ")}`);
  };
}

/** What a daemon said on stderr when it acted at an armed failpoint. */
export function readHits(log: string): string[] {
  return [...log.matchAll(/^failpoint ([a-z.-]+): /gm)].map((match) => match[1] ?? "");
}

export function recordHits(file: string, names: readonly string[]): void {
  if (names.length > 0) appendFileSync(file, `${names.join("\n")}\n`);
}
