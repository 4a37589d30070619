// `npm run bench:watch`: 200 watchers of one running build of 50,000 lines. Each must get each line once, in order.
import { setTimeout as sleep } from "node:timers/promises";
import { createPool } from "#central/database/pool.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { insertLogLines } from "#central/status/sql/insert-log-lines.ts";
import { createCatapultClient } from "#client/create-catapult-client.ts";
import { createLogger } from "#common/logger.ts";
import { judgeWatch } from "./judge-watch.ts";
import { milliseconds, printFigure } from "./print-figure.ts";
import { startOperatorProcess } from "./start-operator-process.ts";

const watchers = 200;
const lines = 50_000;
const batch = 500;

const server = await startOperatorProcess();
const pool = createPool(server.databaseUrl, createLogger({ name: "bench", level: "error" }));
const client = createCatapultClient({ url: server.url, token: server.token });
let largest = 0;
const gauge = setInterval(() => void server.residentBytes().then((bytes) => (largest = Math.max(largest, bytes))), 200);

function describeLine(number: number): string {
  return `line ${number}: ${"x".repeat(60)}`;
}

const cpuBefore = await server.cpuMs();
const began = performance.now();
const watching = Promise.all(
  Array.from({ length: watchers }, async () =>
    judgeWatch(client.watchDeployment({ id: server.deployment }), { lines, describeLine }),
  ),
);
for (let first = 1; first <= lines; first += batch) {
  const texts = Array.from({ length: batch }, (_, index) => describeLine(first + index));
  await withTransaction(pool, async (tx) => {
    await tx.query("select from deployment_history where id = $1 for update", [server.deployment]);
    await insertLogLines(tx, server.deployment, BigInt(first), texts);
  });
  await sleep(50);
}
await pool.query(
  `update deployment_history set state = 'failed', failure_stage = 'build', failure_reason = 'command_failed', failure_message = '',
     finished_at = now(), lease_expires_at = null where id = $1`,
  [server.deployment],
);
const problems = (await watching).filter((problem) => problem !== undefined);
const ms = performance.now() - began;
const cpu = (await server.cpuMs()) - cpuBefore;
clearInterval(gauge);
const whole = watchers - problems.length;
printFigure(`watchers that got all ${lines} lines once, in order`, `${whole} of ${watchers}`, `${watchers}`);
printFigure("from the first line to the last watcher's end", milliseconds(ms));
printFigure("Central's CPU in that time", milliseconds(cpu));
printFigure("Central's resident memory at most", `${(largest / 2 ** 20).toFixed(0)} MiB`, "under 250 MB");
client.close();
await pool.end();
await server.stop();
for (const problem of new Set(problems)) console.error(`a watch was not whole: ${problem}`);
if (problems.length > 0) process.exitCode = 1;
