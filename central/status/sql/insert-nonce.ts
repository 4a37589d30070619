import type { Pool } from "pg";

/** false: it was there, so the request is a replay. */
export async function insertNonce(pool: Pool, kid: string, nonce: string, expiresAt: Date): Promise<boolean> {
  const { rowCount } = await pool.query(
    "insert into signature_nonces (kid, nonce, expires_at) values ($1, $2, $3) on conflict do nothing",
    [kid, nonce, expiresAt],
  );
  return rowCount === 1;
}
