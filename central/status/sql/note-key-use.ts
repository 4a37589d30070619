import type { Pool } from "pg";

/** Records that a worker has a key: Central signs with that key's counterpart from now on, and older ones end ten minutes later. */
export async function noteKeyUse(pool: Pool, kid: string): Promise<void> {
  await pool.query("update worker_keys set used_at = now() where kid = $1 and used_at is null", [kid]);
}
