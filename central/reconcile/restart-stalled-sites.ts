import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { countRepair } from "./count-repair.ts";
import { selectStalledSites } from "./sql/select-stalled-sites.ts";

const atOnce = 100;

/** Gives work that nobody does any more a job again. */
export async function restartStalledSites(o: { pool: Pool; log: Logger }): Promise<void> {
  await withTransaction(o.pool, async (client) => {
    for (const siteId of await selectStalledSites(client, atOnce)) {
      o.log.error({ site: siteId.toString() }, "the work of a site had no job any more; it has one again");
      await addJob(client, { task: "dispatch", siteId });
      await countRepair(client, "work_stalled");
    }
  });
}
