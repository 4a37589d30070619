import type { ClientBase } from "pg";

/** The sites of an environment whose deployment waits for a worker, longest waiting first. */
export async function selectQueuedSites(client: ClientBase, environmentId: bigint, limit: number): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint }>(
    `select s.id from deployment_history d
     join sites s on s.id = d.site_id
     join deployment_config c on c.id = s.config_id
     where d.state = 'queued' and c.environment_id = $1 order by d.created_at limit $2`,
    [environmentId, limit],
  );
  return rows.map((row) => row.id);
}
