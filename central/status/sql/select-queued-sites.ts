import type { ClientBase } from "pg";

/**
 * The sites of an environment whose deployment waits for a worker and may be handed to one, longest waiting first. Those whose repository has as
 * many running as it may wait for one of its own to end: were they among these, they could keep all others out.
 */
export async function selectQueuedSites(client: ClientBase, environmentId: bigint, limit: number): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint }>(
    `with running as (
       select s.config_id, count(*) as count from deployment_history d join sites s on s.id = d.site_id
       where d.lease_expires_at is not null and d.from_release is null group by s.config_id
     )
     select s.id from deployment_history d
     join sites s on s.id = d.site_id
     join deployment_config c on c.id = s.config_id
     left join running on running.config_id = c.id
     where d.state = 'queued' and c.environment_id = $1 and coalesce(running.count, 0) < c.max_running
     order by d.created_at limit $2`,
    [environmentId, limit],
  );
  return rows.map((row) => row.id);
}
