import type { ClientBase } from "pg";

export async function markSiteRemoved(client: ClientBase, site: { id: bigint; generation: bigint }): Promise<boolean> {
  const { rowCount } = await client.query(
    `update sites set state = 'removed', live_deployment = null, worker_id = null, updated_at = now()
     where id = $1 and generation = $2 and state = 'removing'`,
    [site.id, site.generation],
  );
  return rowCount === 1;
}
