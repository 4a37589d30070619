import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "pg";
import { removePostgres, startPostgres } from "#local/postgres/start-postgres.ts";
import { printFindings } from "#test/support/invariants.ts";
import { runWalk } from "./run-walk.ts";

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
// Named as the tests name theirs: one whose walk was killed is removed by the next run of the tests.
const stateDir = join(import.meta.dirname, "../../.catapult/test", `run-${process.pid}`);
await mkdir(stateDir, { recursive: true });
const postgres = await startPostgres({ stateDir, durable: false, log: () => {} });
try {
  for (let seed = first; seed <= last && !stopping.signal.aborted; seed++) {
    const lines: string[] = [];
    const say = (line: string): void => void (values.quiet ? lines.push(line) : console.info(line));
    const began = performance.now();
    const walk = await runWalk({
      seed,
      steps: Number(values.steps),
      database: await createDatabase(postgres.url),
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
    const { findings, answers, healedMs, directory: at } = walk;
    const took = Math.round((performance.now() - began) / 1000);
    const what = `seed ${seed}, ${values.steps} steps: ${answers} answers looked at, checked ${healedMs} ms after healing, ${took} s in all`;
    if (findings.length === 0) {
      console.info(`${what}: every invariant holds`);
      continue;
    }
    failed.push(seed);
    for (const line of lines) console.info(line);
    console.info(`${what}: ${findings.length} breaches (logs with KEEP_TEST_STATE=1 in ${at})\n${printFindings(findings)}`);
  }
} finally {
  await postgres.stop();
  await removePostgres(stateDir);
  await rm(stateDir, { recursive: true, force: true });
}
if (failed.length > 0) {
  console.info(`npm run chaos -- --seed ${failed[0]} --steps ${values.steps}${values.containers ? " --containers" : ""}`);
  process.exitCode = 1;
}

async function createDatabase(server: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `chaos_${randomBytes(6).toString("hex")}`;
  const run = async (statement: string): Promise<void> => {
    const client = new Client({ connectionString: server });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await run(`create database ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: url.href, drop: async () => run(`drop database ${name} with (force)`) };
}
