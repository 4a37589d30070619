import type { Pool } from "pg";

/** Drops nonces that no signature within its window can repeat. */
export async function deleteExpiredNonces(pool: Pool): Promise<void> {
  await pool.query("delete from signature_nonces where expires_at < now() - interval '60 seconds'");
}
