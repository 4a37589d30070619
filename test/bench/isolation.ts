import { randomBytes } from "node:crypto";
import { createLogger } from "#common/logger.ts";
import { packFiles, readFiles } from "#test/worker/sandbox/harness.ts";
import { useTestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";
import { createSandboxes } from "#worker/sandbox/create-sandboxes.ts";
import { runInSandbox } from "#worker/sandbox/run-in-sandbox.ts";
import type { SandboxRequest, SandboxResult } from "#worker/sandbox/run-in-sandbox.ts";
import { sweepSandboxes } from "#worker/sandbox/sweep-sandboxes.ts";
import { runOnPlainNetwork } from "./run-on-plain-network.ts";
import { median, percentile } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";

// What isolation costs a build: `npm run bench:isolation`. From the moment at which the source is there until the output has been read,
// of a build that takes a folder of files and runs one command in `nix develop`. The three kinds take turns, so that a busy machine is
// busy for all of them, and each begins when nothing of the one before is left to do.

const runs = Number(process.argv[2] ?? 21);
const mebibyte = 2 ** 20;
const files = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`src/file-${index}.txt`, "x".repeat(2000)]));

const test = await useTestPodman();
const networkName = `ctbench-${randomBytes(4).toString("hex")}`;
const log = createLogger({ name: "bench", level: "warn" });
const setup = {
  podman: test.podman,
  imageReference: test.imageReference,
  limits: { memoryBytes: 1024 * mebibyte, diskBytes: 512 * mebibyte, cpus: 2, pids: 256, timeoutMs: 60_000 },
  ...readSurroundings(),
  seccompProfile: test.seccompProfile,
  networkName,
  labels: {},
};
const request: SandboxRequest = {
  ...setup,
  writeSource: () => packFiles(files),
  rootDir: "",
  command: "mkdir out && cp src/* out/",
  outputDir: "out",
  devshell: "default",
  environment: { CI: "true" },
  onLine: () => undefined,
  signal: new AbortController().signal,
};
const sandboxes = createSandboxes({ setup, slots: 2, log });
const kinds = {
  "on a plain network, no holder": (): Promise<SandboxResult> => runOnPlainNetwork(request),
  "isolated, a network kept ready": (): Promise<SandboxResult> => sandboxes.run(request),
  "isolated, none ready": (): Promise<SandboxResult> => runInSandbox(request),
};
const took: Record<string, { output: number[]; removal: number[] }> = {};
try {
  sandboxes.start(test.imageId);
  for (let run = 0; run <= runs; run += 1)
    for (const [kind, start] of Object.entries(kinds)) {
      await sandboxes.pool.settled();
      const times = await measure(start);
      // The first of each warms caches up.
      if (run === 0) continue;
      const all = (took[kind] ??= { output: [], removal: [] });
      all.output.push(times.output);
      all.removal.push(times.removal);
    }
  for (const [kind, all] of Object.entries(took)) {
    printFigure(
      `build ${kind}: median of ${runs}, p90`,
      `${milliseconds(median(all.output))}, ${milliseconds(percentile(all.output, 0.9))}`,
    );
    printFigure("  its removal, which nobody waits for", milliseconds(median(all.removal)));
  }
  const [plain = [], ready = [], none = []] = Object.values(took).map((all) => all.output);
  printFigure("isolation adds, at the median", milliseconds(median(ready) - median(plain)), "under 250 ms");
  printFigure("isolation adds when no network is ready, at the median", milliseconds(median(none) - median(plain)));
  const { inForce, reason } = await sandboxes.hostLayer.look();
  printFigure("second layer on the host", inForce ? "in force" : "not in force", reason || undefined);
} finally {
  await sandboxes.stop();
  await sweepSandboxes(test.podman, networkName);
  await test.release();
}

async function measure(start: () => Promise<SandboxResult>): Promise<{ output: number; removal: number }> {
  const from = performance.now();
  const result = await start();
  if (!result.ok) throw new Error(`${result.failure.reason}: ${result.failure.message}`);
  const output = await readFiles(result.output);
  const until = performance.now();
  if (Object.keys(output).length !== Object.keys(files).length) throw new Error("the output is not whole");
  await result.release();
  return { output: until - from, removal: performance.now() - until };
}
