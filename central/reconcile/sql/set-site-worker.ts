import type { ClientBase } from "pg";

/** Records which worker has a site's files. */
export async function setSiteWorker(client: ClientBase, siteId: bigint, workerId: string): Promise<void> {
  await client.query("update sites set worker_id = $2 where id = $1", [siteId, workerId]);
}
