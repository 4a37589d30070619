import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { askForMissedDeliveries } from "./ask-for-missed-deliveries.ts";
import { repeat, type Sweepers } from "./repeat.ts";
import { looksEveryMs, scheduleAllLooks, scheduleLooks } from "./schedule-looks.ts";

/** How long after one replica's start another one's asks for nothing anew. */
const startSeconds = 10;

/**
 * Compares what Central knows with GitHub, at once and then every `everyMs`, once for all replicas. To be started when webhooks are taken: what
 * is asked for again comes back as one.
 */
export function startGitHubSweepers(o: { pool: Pool; github: GitHub; log: Logger; everyMs: number }): Sweepers {
  const everySeconds = o.everyMs / 1000;
  let everySweep = Math.min(startSeconds, everySeconds);
  let started = false;
  const sweepers = [
    repeat(o.log, "missed deliveries", Math.min(o.everyMs, 30_000), async (stopping) => {
      await askForMissedDeliveries({ ...o, stopping }, everySweep);
      everySweep = everySeconds;
    }),
    repeat(o.log, "comparison with GitHub", Math.min(o.everyMs, looksEveryMs), async () => {
      if (!started) await scheduleAllLooks(o);
      started = true;
      await scheduleLooks(o, everySeconds);
    }),
  ];
  return {
    async stop() {
      await Promise.all(sweepers.map(async (sweeper) => sweeper.stop()));
    },
  };
}
