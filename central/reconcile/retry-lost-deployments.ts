import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { insertSuccessor } from "#central/deployment/sql/insert-successor.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { lockLost } from "./sql/select-lost-sites.ts";

const atOnce = 32;

/** Queues the commits again that were lost too often to be tried at once: once, after a pause that grows with each loss. */
export async function retryLostDeployments(o: { pool: Pool; log: Logger }): Promise<void> {
  await withTransaction(o.pool, async (client) => {
    for (const lost of await lockLost(client, atOnce)) {
      if (!(await insertSuccessor(client, lost))) continue;
      o.log.warn(
        { deployment: lost.id.toString(), site: lost.siteId.toString() },
        "a commit whose worker was lost is tried again",
      );
      await addJob(client, { task: "dispatch", siteId: lost.siteId });
      await addJob(client, { task: "comment", siteId: lost.siteId });
    }
  });
}
