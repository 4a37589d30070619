import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { unlockDeadReplicas } from "#central/jobs/sql/unlock-dead-replicas.ts";
import { checkWorkers } from "#central/readiness/check-workers.ts";
import { replaceLostDeployments } from "./replace-lost-deployments.ts";
import { deleteExpiredNonces } from "./sql/delete-expired-nonces.ts";

export type Sweepers = { stop(): Promise<void> };

/** What runs on a timer, on every replica; each is harmless beside itself. */
export function startSweepers(o: { pool: Pool; log: Logger }): Sweepers {
  const sweepers = [
    repeat(o.log, "leases", 2_000, async () => replaceLostDeployments(o)),
    repeat(o.log, "replicas", 5_000, async () => {
      const dead = await unlockDeadReplicas(o.pool);
      if (dead > 0) o.log.warn({ dead }, "jobs of dead replicas were freed");
    }),
    // Each worker is asked every 30 s by whichever replica comes first.
    repeat(o.log, "readiness of workers", 5_000, async () => checkWorkers(o)),
    repeat(o.log, "nonces", 60_000, async () => deleteExpiredNonces(o.pool)),
  ];
  return {
    async stop() {
      await Promise.all(sweepers.map(async (sweeper) => sweeper.stop()));
    },
  };
}

/** Runs work at once and then every so often, never beside itself. */
function repeat(log: Logger, name: string, everyMs: number, work: () => Promise<void>): Sweepers {
  let running: Promise<void> | undefined;
  function tick(): void {
    running ??= work()
      .catch((err: unknown) => log.warn({ err, sweeper: name }, "a sweeper failed"))
      .finally(() => {
        running = undefined;
      });
  }
  const timer = setInterval(tick, everyMs);
  tick();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
