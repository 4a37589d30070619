import type { ClientBase } from "pg";

/** Keeps a site as it is while its branch's head is still this commit; null: nothing keeps it. */
export async function setPin(client: ClientBase, siteId: bigint, head: string | null): Promise<void> {
  await client.query(`update sites set pinned_from = $2, updated_at = now() where id = $1`, [siteId, head]);
}
