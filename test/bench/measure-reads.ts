import { setTimeout as sleep } from "node:timers/promises";
import { createCatapultClient } from "#client/create-catapult-client.ts";
import { median, percentile } from "./percentile.ts";
import { milliseconds, printFigure } from "./print-figure.ts";
import { startOperatorProcess } from "./start-operator-process.ts";

const perSecond = 500;
const reads = 5_000;

/** Reads sent by the clock, whether or not those before were answered: one that waits for its turn has waited since it was due. */
export async function measureReads(): Promise<void> {
  const server = await startOperatorProcess();
  const client = createCatapultClient({ url: server.url, token: server.token });
  const kinds = [
    async () => client.getDeployment({ id: server.deployment }),
    async () => client.listDeployments({ pageSize: 20 }),
    async () => client.listSites({ pageSize: 20 }),
    async () => client.listEnvironments({}),
  ];
  for (let warm = 0; warm < 2_000; warm += 8) {
    await Promise.all(Array.from({ length: 8 }, async (_, index) => kinds[index % kinds.length]!()));
  }
  const took: number[] = [];
  const running: Promise<void>[] = [];
  const cpuBefore = await server.cpuMs();
  const own = process.cpuUsage();
  const began = performance.now();
  for (let sent = 0; sent < reads; sent += 1) {
    const due = began + (sent * 1_000) / perSecond;
    const wait = due - performance.now();
    if (wait > 1) await sleep(wait);
    running.push(kinds[sent % kinds.length]!().then(() => void took.push(performance.now() - due)));
  }
  await Promise.all(running);
  const cpu = (await server.cpuMs()) - cpuBefore;
  const { user, system } = process.cpuUsage(own);
  printFigure(`${perSecond} operator reads a second on one core, median`, milliseconds(median(took)));
  printFigure(
    `${perSecond} operator reads a second on one core, 99th percentile`,
    milliseconds(percentile(took, 0.99)),
    "under 25 ms",
  );
  printFigure(
    "CPU for a read: Central, and the one who asks",
    `${(cpu / reads).toFixed(2)} and ${((user + system) / 1_000 / reads).toFixed(2)} ms`,
  );
  client.close();
  await server.stop();
}
