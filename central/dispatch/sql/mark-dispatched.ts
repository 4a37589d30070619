import type { Pool } from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";

/** gone: the deployment is no longer the one to hand over. repository_busy: as many of its repository's run as its config allows. */
export type Marked = "dispatched" | "gone" | "repository_busy";

/** The first half of the two-part advisory locks under which a config's running deployments are counted. */
const countLockClass = 726_241;

/**
 * Gives a deployment to a worker, with a lease by the database's clock, before the worker is called: its first report may come before its answer.
 * `resend`: a job that runs again after a crash may hand over what is 'dispatched' already, since nobody knows whether the worker heard of it.
 * Two replicas that hand over work of one repository count one after the other. A release that exists takes no slot: to make it live again costs nothing.
 */
export async function markDispatched(
  pool: Pool,
  o: {
    deploymentId: bigint;
    siteId: bigint;
    generation: bigint;
    configId: bigint;
    workerId: string;
    resend: boolean;
    takesSlot: boolean;
  },
): Promise<Marked> {
  return withTransaction(pool, async (client) => {
    if (o.takesSlot) {
      await client.query("select pg_advisory_xact_lock($1, ($2::bigint % 2147483647)::integer)", [countLockClass, o.configId]);
      const { rowCount } = await client.query(
        `select from deployment_config c where c.id = $1 and c.max_running <= (
           select count(*) from deployment_history d join sites s on s.id = d.site_id
           where s.config_id = c.id and d.lease_expires_at is not null and d.from_release is null and d.id <> $2)`,
        [o.configId, o.deploymentId],
      );
      if (rowCount === 1) return "repository_busy";
    }
    const { rowCount } = await client.query(
      `with site as (
         update sites set worker_id = $4, updated_at = now() where id = $2 and generation = $3 and state = 'wanted' returning id
       )
       update deployment_history d
       set state = 'dispatched', worker_id = $4, waiting = null, dispatched_at = now(), lease_expires_at = now() + interval '30 seconds'
       from site where d.id = $1 and d.site_id = site.id and (d.state = 'queued' or ($5 and d.state = 'dispatched'))`,
      [o.deploymentId, o.siteId, o.generation, o.workerId, o.resend],
    );
    return rowCount === 1 ? "dispatched" : "gone";
  });
}
