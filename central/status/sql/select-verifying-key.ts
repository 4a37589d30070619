import type { Pool } from "pg";

/** An active key of a worker. It ends ten minutes after the worker first used a newer one: reports that it signed before may still be on their way. */
export async function selectVerifyingKey(pool: Pool, kid: string): Promise<{ sealed: Buffer; workerId: string } | undefined> {
  const { rows } = await pool.query<{ sealed: Buffer; workerId: string }>(
    `select k.key_sealed as sealed, k.worker_id as "workerId" from worker_keys k
     where k.kid = $1 and k.direction = 'to_central' and k.retired_at is null and not exists (
       select from worker_keys newer where newer.worker_id = k.worker_id and newer.direction = 'to_central'
         and newer.created_at > k.created_at and newer.used_at < now() - interval '10 minutes')`,
    [kid],
  );
  return rows[0];
}
