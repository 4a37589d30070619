import type { Pool } from "pg";

/**
 * The key with which Central signs what it asks of a worker, still sealed: the newest that the worker is known to have, since a report came signed with
 * the key that was made at the same moment; before any did, the oldest.
 */
export async function selectSigningKey(pool: Pool, workerId: string): Promise<{ kid: string; sealed: Buffer } | undefined> {
  const { rows } = await pool.query<{ kid: string; sealed: Buffer }>(
    `with active as (
       select k.kid, k.key_sealed, k.created_at, exists (
         select from worker_keys p where p.worker_id = k.worker_id and p.direction = 'to_central' and p.created_at = k.created_at
           and p.used_at is not null) as known
       from worker_keys k where k.worker_id = $1 and k.direction = 'to_worker' and k.retired_at is null
     )
     select kid, key_sealed as sealed from active
     order by known desc, case when known then created_at end desc, created_at, kid limit 1`,
    [workerId],
  );
  return rows[0];
}
