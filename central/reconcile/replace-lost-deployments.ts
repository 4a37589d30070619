import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { lockExpired, replaceLost } from "./sql/expire-leases.ts";

/** Queues again what no worker holds any more. */
export async function replaceLostDeployments(o: { pool: Pool; log: Logger }): Promise<void> {
  await withTransaction(o.pool, async (client) => {
    for (const lost of await lockExpired(client)) {
      const kind = await replaceLost(client, lost);
      o.log.warn({ deployment: lost.id.toString(), site: lost.siteId.toString(), again: kind !== undefined }, "a lease ended");
      if (kind === undefined) continue;
      await addJob(client, { task: "dispatch", siteId: lost.siteId });
      if (kind === "preview") await addJob(client, { task: "comment", siteId: lost.siteId });
    }
  });
}
