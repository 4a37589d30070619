import type { ClientBase, Pool } from "pg";
import type { TableSite } from "../decide-repair.ts";

export type TableSiteRow = TableSite & { id: bigint; kind: "preview" | "production" };

const columns = `s.id, s.kind, s.state, s.host, s.generation, s.worker_id as "workerId", live.release as "liveRelease",
  case when d.state in ('held', 'queued') then d.state
    when d.state in ('dispatched', 'cloning', 'building', 'publishing') then 'running' end as pending,
  case when d.state = 'lost' and not d.cancel_requested then d.commit_sha end as "lostCommit",
  case when d.state = 'lost' then (select count(*)::integer from deployment_history l
    where l.site_id = s.id and l.commit_sha = d.commit_sha and l.state = 'lost') else 0 end as "timesLost"`;
const tables = `sites s
  left join deployment_history live on live.id = s.live_deployment
  left join deployment_history d on d.site_id = s.id and d.generation = s.generation`;

/**
 * The sites of one page of a worker's: those that it listed, and those between the page's ends that the tables say it should have listed. `last`:
 * the page's last id; undefined for the last page, which has no end.
 */
export async function selectTableSites(
  pool: Pool,
  o: { workerId: string; listed: readonly bigint[]; after: bigint; last: bigint | undefined },
): Promise<TableSiteRow[]> {
  const { rows } = await pool.query<TableSiteRow>(
    `select ${columns} from ${tables}
     where s.id = any($2::bigint[]) or (s.id > $3 and ($4::bigint is null or s.id <= $4) and s.state = 'wanted' and s.live_deployment is not null
       and (s.worker_id = $1 or (s.worker_id is null and exists (
         select from deployment_config c join workers w on w.environment_id = c.environment_id where c.id = s.config_id and w.id = $1))))
     order by s.id`,
    [o.workerId, o.listed, o.after, o.last ?? null],
  );
  return rows;
}

export async function selectTableSite(client: Pool | ClientBase, siteId: bigint): Promise<TableSiteRow | undefined> {
  const { rows } = await client.query<TableSiteRow>(`select ${columns} from ${tables} where s.id = $1`, [siteId]);
  return rows[0];
}

/** The same, and nobody else changes it until the transaction ends. */
export async function lockTableSite(client: ClientBase, siteId: bigint): Promise<TableSiteRow | undefined> {
  await client.query("select from sites where id = $1 for update", [siteId]);
  return selectTableSite(client, siteId);
}
