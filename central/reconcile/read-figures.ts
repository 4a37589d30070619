import type { Pool } from "pg";

export type Figures = {
  /** Jobs that may run now or are running, by task. */
  queue: { task: string; waiting: number; running: number; oldestSeconds: number }[];
  /** Jobs that failed too often and run no more. */
  failedJobs: number;
  deliveries: { state: string; count: number }[];
  /** How long the oldest delivery that is still to be processed has been stored; 0: there is none. */
  oldestDeliverySeconds: number;
  deployments: { state: string; count: number }[];
  repairs: { kind: string; count: number }[];
  /** Pull requests that GitHub takes no comment on. */
  refusedComments: number;
};

/** What the metrics show of the tables; bounded by their retention, so a scan of them is what it costs at most. */
export async function readFigures(pool: Pool): Promise<Figures> {
  const [queue, failed, deliveries, oldest, deployments, repairs, refused] = await Promise.all([
    pool.query<Figures["queue"][number]>(
      `select task_identifier as task, (count(*) filter (where locked_at is null))::float8 as waiting,
         (count(*) filter (where locked_at is not null))::float8 as running,
         coalesce(extract(epoch from now() - min(run_at) filter (where locked_at is null)), 0)::float8 as "oldestSeconds"
       from graphile_worker.jobs where run_at <= now() and attempts < max_attempts group by task_identifier order by task_identifier`,
    ),
    pool.query<{ count: number }>(
      "select count(*)::float8 as count from graphile_worker.jobs where attempts >= max_attempts and locked_at is null",
    ),
    pool.query<Figures["deliveries"][number]>(
      "select state, count(*)::float8 as count from webhook_deliveries group by state order by state",
    ),
    pool.query<{ seconds: number }>(
      `select coalesce(extract(epoch from now() - min(received_at)), 0)::float8 as seconds
       from webhook_deliveries where state = 'received'`,
    ),
    pool.query<Figures["deployments"][number]>(
      "select state, count(*)::float8 as count from deployment_history group by state order by state",
    ),
    pool.query<Figures["repairs"][number]>("select kind, count::float8 as count from repairs order by kind"),
    pool.query<{ count: number }>("select count(*)::float8 as count from sites where comment_refusal is not null"),
  ]);
  return {
    queue: queue.rows,
    failedJobs: failed.rows[0]?.count ?? 0,
    deliveries: deliveries.rows,
    oldestDeliverySeconds: oldest.rows[0]?.seconds ?? 0,
    deployments: deployments.rows,
    repairs: repairs.rows,
    refusedComments: refused.rows[0]?.count ?? 0,
  };
}
