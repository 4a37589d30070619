import type { Pool } from "pg";

/** The newest key with which Central signs its calls to a worker. */
export async function selectSigningKey(pool: Pool, worker: string): Promise<{ kid: string; key_sealed: Buffer } | undefined> {
  const { rows } = await pool.query<{ kid: string; key_sealed: Buffer }>(
    `select kid, key_sealed from worker_keys
     where worker_id = $1 and direction = 'to_worker' and retired_at is null
     order by created_at desc limit 1`,
    [worker],
  );
  return rows[0];
}
