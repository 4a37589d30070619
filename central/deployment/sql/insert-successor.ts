import type { ClientBase } from "pg";

/**
 * Queues an ended deployment's commit again under the site's next generation, unless the site has something newer, is being removed, or its config is
 * off. Answers whether it did; the site must be locked.
 */
export async function insertSuccessor(client: ClientBase, deployment: { id: bigint; siteId: bigint }): Promise<boolean> {
  const { rowCount } = await client.query(
    `with raised as (
       update sites s set generation = s.generation + 1, updated_at = now()
       from deployment_history d, deployment_config c
       where s.id = $1 and d.id = $2 and s.state = 'wanted' and s.generation = d.generation
         and c.id = s.config_id and c.enabled and not c.deleting
       returning s.id, s.generation
     )
     insert into deployment_history (site_id, generation, commit_sha, branch, trust, state, delivery_guid, requested_by, from_release,
       traceparent)
     select raised.id, raised.generation, d.commit_sha, d.branch, d.trust, 'queued', d.delivery_guid, d.requested_by, d.from_release, d.traceparent
     from raised, deployment_history d where d.id = $2`,
    [deployment.siteId, deployment.id],
  );
  return rowCount === 1;
}
