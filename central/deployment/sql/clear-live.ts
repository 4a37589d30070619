import type { ClientBase } from "pg";

/** Records that a site serves nothing. */
export async function clearLive(client: ClientBase, siteId: bigint): Promise<void> {
  await client.query("update sites set live_deployment = null, updated_at = now() where id = $1", [siteId]);
}
