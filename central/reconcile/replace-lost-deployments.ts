import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { lockExpired, replaceLost } from "./sql/expire-leases.ts";

/** Queues again what no worker holds any more, unless it was lost too often. */
export async function replaceLostDeployments(o: { pool: Pool; log: Logger }): Promise<void> {
  await withTransaction(o.pool, async (client) => {
    for (const lost of await lockExpired(client)) {
      const ended = await replaceLost(client, lost);
      if (ended === undefined) continue;
      o.log.warn({ deployment: lost.id.toString(), site: lost.siteId.toString(), again: ended.again }, "a lease ended");
      if (ended.again) await addJob(client, { task: "dispatch", siteId: lost.siteId });
      if (ended.kind === "preview") await addJob(client, { task: "comment", siteId: lost.siteId });
    }
  });
}
