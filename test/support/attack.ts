import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import { expect } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { watchHost, type HostWatch } from "#test/support/host-watch.ts";
import type { TestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";
import { listLeft, mebibyte, packFiles, readFiles } from "#test/worker/sandbox/harness.ts";
import { runInSandbox, type SandboxFailure, type SandboxRequest, type SandboxResult } from "#worker/sandbox/run-in-sandbox.ts";

export const attackLimits = { memoryBytes: 512 * mebibyte, diskBytes: 256 * mebibyte, cpus: 1, pids: 128, timeoutMs: 60_000 };

export type Attack = Partial<SandboxRequest> & {
  command: string;
  files?: Record<string, string>;
  /** Called once with the watch when a line of output comes that holds this text. */
  when?: { says: string; run: (watch: HostWatch, line: string) => Promise<void> };
  /** Reads the result before it is released; its files as text otherwise. */
  read?: (result: Extract<SandboxResult, { ok: true }>) => Promise<void>;
};

export type AttackOutcome = { lines: string[]; text: string; files: Record<string, string>; failure: SandboxFailure | undefined };

/** Runs a hostile build, and holds that nothing of it is on the host afterwards and nothing of the host has changed. */
export async function attack(test: TestPodman, o: Attack): Promise<AttackOutcome> {
  const networkName = `ctattack-${randomBytes(4).toString("hex")}`;
  const watch = await watchHost(test.podman, networkName);
  const { files: source = {}, when, read, ...request } = o;
  const lines: string[] = [];
  let acted: Promise<void> | undefined;
  const result = await runInSandbox({
    imageReference: test.imageReference,
    seccompProfile: test.seccompProfile,
    limits: attackLimits,
    ...readSurroundings(),
    networkName,
    labels: { site: "1" },
    writeSource: (): Readable => packFiles(source),
    rootDir: "",
    outputDir: "out",
    devshell: "default",
    environment: { CI: "true" },
    signal: new AbortController().signal,
    ...request,
    podman: watch.podman,
    onLine: (line) => {
      lines.push(line);
      if (when !== undefined && acted === undefined && line.includes(when.says)) acted = when.run(watch, line);
    },
  });
  await acted;
  let out: Record<string, string> = {};
  if (result.ok) {
    try {
      if (read === undefined) out = await readFiles(result.output);
      else await read(result);
    } finally {
      await result.release();
    }
  }
  expect(await listLeft(test, networkName)).toEqual([]);
  await eventually(async () => expect(await watch.findTraces()).toEqual([]));
  return { lines, text: lines.join("\n"), files: out, failure: result.ok ? undefined : result.failure };
}

/** The next build works (I8). */
export async function expectNextBuild(test: TestPodman): Promise<void> {
  const next = await attack(test, { command: "mkdir out; echo well >out/x" });
  expect([next.failure, next.files]).toEqual([undefined, { x: "well\n" }]);
}

/** Runs a command whose printed lines are the answer, after the echo of the command itself. */
export async function look(test: TestPodman, script: string, o: Omit<Attack, "command"> = {}): Promise<string[]> {
  const { lines, failure } = await attack(test, {
    ...o,
    files: { ...o.files, "look.sh": script },
    command: "bash look.sh; mkdir -p out; echo x >out/x",
  });
  expect([failure, lines.slice(-5)]).toEqual([undefined, expect.anything()]);
  return lines.slice(1);
}
