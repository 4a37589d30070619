import type { Pool } from "pg";

/** Notes that a token was used, at most once a minute however many calls come at once: a row written per call would cost each a commit. */
export async function touchToken(pool: Pool, id: bigint): Promise<void> {
  await pool.query(
    `update operator_tokens set used_at = now() where id = $1 and (used_at is null or used_at < now() - interval '1 minute')`,
    [id],
  );
}
