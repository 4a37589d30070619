import type { ClientBase } from "pg";

/**
 * A rollback pins a site: while GitHub's head is still the commit that was rolled back from, it stays as it is. Any other head ends that. The
 * site must be locked. true: it is pinned, and this head changes nothing.
 */
export async function takePin(client: ClientBase, siteId: bigint, head: string): Promise<boolean> {
  const { rows } = await client.query<{ pinned: boolean }>(
    "select pinned_from is not distinct from $2 as pinned from sites where id = $1 and pinned_from is not null",
    [siteId, head],
  );
  const pin = rows[0];
  if (pin === undefined || pin.pinned) return pin !== undefined;
  await client.query("update sites set pinned_from = null, updated_at = now() where id = $1", [siteId]);
  return false;
}
