import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { unlockDeadReplicas } from "#central/jobs/sql/unlock-dead-replicas.ts";
import { checkWorkers } from "#central/readiness/check-workers.ts";
import { deleteWhatIsOld, type Retention } from "./delete-what-is-old.ts";
import { repeat, type Sweepers } from "./repeat.ts";
import { replaceLostDeployments } from "./replace-lost-deployments.ts";
import { retryLostDeployments } from "./retry-lost-deployments.ts";

/** What runs on a timer, on every replica; each is harmless beside itself. */
export function startSweepers(o: { pool: Pool; retention: Retention; log: Logger }): Sweepers {
  const sweepers = [
    repeat(o.log, "leases", 2_000, async () => replaceLostDeployments(o)),
    repeat(o.log, "lost deployments", 15_000, async () => retryLostDeployments(o)),
    repeat(o.log, "replicas", 2_000, async () => {
      const dead = await unlockDeadReplicas(o.pool);
      if (dead > 0) o.log.warn({ dead }, "jobs of dead replicas were freed");
    }),
    // Each worker is asked every 30 s by whichever replica comes first.
    repeat(o.log, "readiness of workers", 5_000, async () => checkWorkers(o)),
    repeat(o.log, "retention", 60_000, async (stopping) => deleteWhatIsOld(o, o.retention, stopping)),
  ];
  return {
    async stop() {
      await Promise.all(sweepers.map(async (sweeper) => sweeper.stop()));
    },
  };
}
