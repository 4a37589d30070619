import type { Pool } from "pg";

/**
 * Gives a deployment to a worker, with a lease by the database's clock, before the worker is called: its first report may come before its answer.
 * false: the deployment is no longer the one to hand over. `resend`: a job that runs again after a crash may hand over what is 'dispatched'
 * already, since nobody knows whether the worker heard of it.
 */
export async function markDispatched(
  pool: Pool,
  o: { deploymentId: bigint; siteId: bigint; generation: bigint; workerId: string; resend: boolean },
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `with site as (
       update sites set worker_id = $4, updated_at = now() where id = $2 and generation = $3 and state = 'wanted' returning id
     )
     update deployment_history d
     set state = 'dispatched', worker_id = $4, waiting = null, dispatched_at = now(), lease_expires_at = now() + interval '30 seconds'
     from site where d.id = $1 and d.site_id = site.id and (d.state = 'queued' or ($5 and d.state = 'dispatched'))`,
    [o.deploymentId, o.siteId, o.generation, o.workerId, o.resend],
  );
  return rowCount === 1;
}
