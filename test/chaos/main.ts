import { execFile } from "node:child_process";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { printFindings } from "#test/support/invariants.ts";
import { runWalk } from "./run-walk.ts";
import { startWalkPodman } from "./walk-podman.ts";
import { startWalkPostgres } from "./walk-postgres.ts";

// Random walks: `npm run chaos -- --seed 7 --steps 200`, or `--seeds 1-20`. The same seed is the same walk.
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    steps: { type: "string", default: "200" },
    /** Between two requests to the same host, in milliseconds. */
    poll: { type: "string", default: "20" },
    /** Builds every fifth site in a container. */
    containers: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
  },
});
const [first = 1, last = first] = (values.seeds ?? values.seed).split("-").map(Number);
const failed: number[] = [];
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopping.abort());
console.info(`at commit ${await describeCommit()}`);
// Named as the tests name theirs: one whose walk was killed is removed by the next run of the tests.
const postgres = await startWalkPostgres({ stateDir: join(import.meta.dirname, "../../.catapult/test", `run-${process.pid}`) });
const releases: (() => Promise<void>)[] = [async () => postgres.stop()];
try {
  const podman = await startWalkPodman();
  releases.push(async () => podman.release());
  for (let seed = first; seed <= last && !stopping.signal.aborted; seed++) {
    const lines: string[] = [];
    const say = (line: string): void => void (values.quiet ? lines.push(line) : console.info(line));
    const began = performance.now();
    const walk = await runWalk({
      seed,
      steps: Number(values.steps),
      postgres,
      podman,
      containers: values.containers,
      pollMs: Number(values.poll),
      say,
      signal: stopping.signal,
    }).catch((error: unknown) => {
      console.info(`seed ${seed} could not be walked to its end:`, error);
    });
    if (walk === undefined) {
      failed.push(seed);
      continue;
    }
    const { findings, answers, healedMs, slowMs, directory: at } = walk;
    const took = Math.round((performance.now() - began) / 1000);
    const what = `seed ${seed}, ${values.steps} steps: ${answers} answers looked at, checked ${healedMs} ms after healing (the machine too slow for ${slowMs} ms of it), ${took} s in all`;
    if (findings.length === 0) {
      console.info(`${what}: every invariant holds`);
      continue;
    }
    failed.push(seed);
    for (const line of lines) console.info(line);
    console.info(`${what}: ${findings.length} breaches (logs with KEEP_TEST_STATE=1 in ${at})\n${printFindings(findings)}`);
  }
} finally {
  for (const release of releases.toReversed()) await release();
}
if (failed.length > 0) {
  console.info(`npm run chaos -- --seed ${failed[0]} --steps ${values.steps}${values.containers ? " --containers" : ""}`);
  process.exitCode = 1;
}

/** With a mark if files were changed since. */
async function describeCommit(): Promise<string> {
  const run = promisify(execFile);
  const cwd = import.meta.dirname;
  const { stdout } = await run("git", ["describe", "--always", "--dirty", "--abbrev=10"], { cwd });
  return stdout.trim();
}
