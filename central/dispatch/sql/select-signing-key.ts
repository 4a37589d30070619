import type { Pool } from "pg";

/** The newest active key with which Central signs what it asks of a worker, still sealed. */
export async function selectSigningKey(pool: Pool, workerId: string): Promise<{ kid: string; sealed: Buffer } | undefined> {
  const { rows } = await pool.query<{ kid: string; sealed: Buffer }>(
    `select kid, key_sealed as sealed from worker_keys
     where worker_id = $1 and direction = 'to_worker' and retired_at is null order by created_at desc, kid limit 1`,
    [workerId],
  );
  return rows[0];
}
