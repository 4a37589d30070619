import type { ClientBase } from "pg";

/** Puts a site's held deployment in the queue: same row, same generation, same trust. */
export async function queueHeld(client: ClientBase, siteId: bigint): Promise<void> {
  await client.query("update deployment_history set state = 'queued' where site_id = $1 and state = 'held'", [siteId]);
}
