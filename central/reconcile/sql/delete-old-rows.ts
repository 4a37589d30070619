import type { Pool } from "pg";

export type OldRows = "deliveries" | "deployments" | "logLines" | "egress" | "nonces" | "jobs";

/** How many of a site's last successful deployments stay whatever their age: a worker keeps no more releases to roll back to. */
const keptReleases = 50;

/**
 * A statement deletes one batch of what is over the age $1 in seconds, at most $2 rows. What a site serves, its newest deployment, and those whose
 * release may still be rolled back to stay, and so do the newest log and egress of each site. Of a site that was removed only the newest deployment
 * stays, without its log: nothing serves it, and nobody rolls back to what no worker has.
 */
const statements: Readonly<Record<OldRows, string>> = {
  deliveries: `delete from webhook_deliveries where guid in (
    select guid from webhook_deliveries where state <> 'received' and finished_at < now() - make_interval(secs => $1)
    order by finished_at limit $2)`,
  deployments: `delete from deployment_history where id in (
    select d.id from deployment_history d join sites s on s.id = d.site_id
    where d.finished_at < now() - make_interval(secs => $1) and d.generation < s.generation
      and d.id is distinct from s.live_deployment
      and d.generation < (select max(generation) from deployment_history n where n.site_id = d.site_id)
      and not (s.state <> 'removed' and d.release is not null and d.state in ('succeeded', 'superseded') and (
        select count(*) from deployment_history n
        where n.site_id = d.site_id and n.generation > d.generation and n.release is not null and n.state = 'succeeded'
      ) < ${keptReleases})
    order by d.finished_at limit $2)`,
  logLines: `delete from deployment_log_lines where (deployment_id, line_number) in (
    select l.deployment_id, l.line_number from deployment_log_lines l join deployment_history d on d.id = l.deployment_id
    where d.finished_at < now() - make_interval(secs => $1)
      and (exists (select from deployment_history n where n.site_id = d.site_id and n.generation > d.generation)
        or exists (select from sites s where s.id = d.site_id and s.state = 'removed'))
    limit $2)`,
  egress: `delete from deployment_egress where (deployment_id, address, port, protocol) in (
    select e.deployment_id, e.address, e.port, e.protocol from deployment_egress e join deployment_history d on d.id = e.deployment_id
    where d.finished_at < now() - make_interval(secs => $1)
      and (exists (select from deployment_history n where n.site_id = d.site_id and n.generation > d.generation)
        or exists (select from sites s where s.id = d.site_id and s.state = 'removed'))
    limit $2)`,
  nonces: `delete from signature_nonces where (kid, nonce) in (
    select kid, nonce from signature_nonces where expires_at < now() - make_interval(secs => $1) order by expires_at limit $2)`,
  // Those that failed too often: nothing runs them any more.
  jobs: `delete from graphile_worker._private_jobs where id in (
    select id from graphile_worker._private_jobs
    where attempts >= max_attempts and locked_at is null and updated_at < now() - make_interval(secs => $1) limit $2)`,
};

/** Deletes one batch and answers how many rows that were. */
export async function deleteOldRows(pool: Pool, kind: OldRows, o: { olderThanSeconds: number; limit: number }): Promise<number> {
  const { rowCount } = await pool.query(statements[kind], [o.olderThanSeconds, o.limit]);
  return rowCount ?? 0;
}
