import type { Pool } from "pg";
import { forceUnlock } from "./force-unlock.ts";
import { replicaLockClass } from "./lock-replica.ts";

/**
 * Frees the jobs and queues of runners whose session is gone. Five seconds cover the moment between a runner's start and its lock, and a session
 * that is being opened again.
 */
export async function unlockDeadReplicas(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ dead: string[] | null }>(
    `with locked as (
       select locked_by, locked_at from graphile_worker._private_jobs where locked_by is not null
       union select locked_by, locked_at from graphile_worker._private_job_queues where locked_by is not null
     ), dead as (
       select distinct locked_by from locked
       where locked_at < now() - interval '5 seconds' and not exists (
         select from pg_locks l
         where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
           and l.classid = $1 and l.objsubid = 2 and l.objid::bigint = (hashtext(locked.locked_by)::bigint & 4294967295)
       )
     )
     select array_agg(locked_by) as dead from dead`,
    [replicaLockClass],
  );
  const dead = rows[0]?.dead ?? [];
  if (dead.length > 0) await forceUnlock(pool, dead);
  return dead.length;
}
