import type { Pool } from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { claimConfigs } from "./sql/claim-configs.ts";
import { claimPeriodicWork } from "./sql/claim-periodic-work.ts";
import { makeConfigsDue } from "./sql/make-configs-due.ts";

/**
 * How often configs are taken, and how many of one installation each time: at three calls a look that is 4,320 of the 5,000 that it has an hour,
 * if it has so many. With more than fit into an interval each one's turn comes later.
 */
export const looksEveryMs = 5_000;
const perInstallation = 2;

/** After a start everything may have changed unseen, so everything is due; replicas that start together ask for that once. */
export async function scheduleAllLooks(o: { pool: Pool }): Promise<void> {
  if (await claimPeriodicWork(o.pool, "looks at start", 10)) await makeConfigsDue(o.pool);
}

/** Queues the comparisons that are due. The queue runs those of one config one after the other, on whichever replica. */
export async function scheduleLooks(o: { pool: Pool }, everySeconds: number): Promise<void> {
  await withTransaction(o.pool, async (client) => {
    for (const configId of await claimConfigs(client, { everySeconds, perInstallation })) {
      await addJob(client, { task: "look", configId });
    }
  });
}
