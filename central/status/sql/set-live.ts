import type { ClientBase } from "pg";

/** Records what a site serves now, unless something newer is live already or the site is being removed. */
export async function setLive(
  client: ClientBase,
  o: { siteId: bigint; deploymentId: bigint; generation: bigint },
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update sites s set live_deployment = $2, updated_at = now()
     where s.id = $1 and s.state = 'wanted' and not exists (
       select from deployment_history live where live.id = s.live_deployment and live.generation >= $3
     )`,
    [o.siteId, o.deploymentId, o.generation],
  );
  return rowCount === 1;
}
