import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import type { WorkerClients } from "#central/dispatch/create-worker-clients.ts";
import { compareWorkers } from "./compare-worker.ts";
import { repeat, type Sweepers } from "./repeat.ts";
import { restartStalledSites } from "./restart-stalled-sites.ts";

/** A worker's disk is compared with the tables every five minutes, and sooner when it was not ready for a while. */
const compareEverySeconds = 300;
/** After a start of this replica; the others may have compared just now. */
const compareAtStartSeconds = 60;

/** What compares the tables with the workers, on every replica; each is harmless beside itself. */
export function startWorkerSweepers(o: { pool: Pool; workers: WorkerClients; log: Logger }): Sweepers {
  let isFirst = true;
  const sweepers = [
    repeat(o.log, "disks of workers", 5_000, async () => {
      const everySeconds = isFirst ? compareAtStartSeconds : compareEverySeconds;
      isFirst = false;
      await compareWorkers({ ...o, everySeconds });
    }),
    repeat(o.log, "stalled work", 15_000, async () => restartStalledSites(o)),
  ];
  return {
    async stop() {
      await Promise.all(sweepers.map(async (sweeper) => sweeper.stop()));
    },
  };
}
