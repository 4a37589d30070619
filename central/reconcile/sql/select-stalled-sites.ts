import type { ClientBase } from "pg";

/**
 * Sites that wait for a job which is not there: the queue gave it up after too many failures, or a person took it out. What changed in the last half
 * minute is left alone; every change adds its job in its own transaction.
 */
export async function selectStalledSites(client: ClientBase, limit: number): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint }>(
    `select s.id from sites s
     left join deployment_history d on d.site_id = s.id and d.generation = s.generation and d.state = 'queued'
     where (s.state = 'removing' or (s.state = 'wanted' and d.id is not null)) and s.updated_at < now() - interval '30 seconds'
       and not exists (select from graphile_worker.jobs j where j.key = 'dispatch:' || s.id and j.attempts < j.max_attempts)
     order by s.id limit $1`,
    [limit],
  );
  return rows.map((row) => row.id);
}
