import type { Pool } from "pg";

export async function selectVerifyingKey(pool: Pool, kid: string): Promise<{ sealed: Buffer; workerId: string } | undefined> {
  const { rows } = await pool.query<{ sealed: Buffer; workerId: string }>(
    `select key_sealed as sealed, worker_id as "workerId" from worker_keys
     where kid = $1 and direction = 'to_central' and retired_at is null`,
    [kid],
  );
  return rows[0];
}
