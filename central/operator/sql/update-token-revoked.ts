import type { ClientBase, Pool } from "pg";

/** The time of the first revocation stays. False: no such token. */
export async function updateTokenRevoked(client: Pool | ClientBase, name: string): Promise<boolean> {
  const { rowCount } = await client.query(`update operator_tokens set revoked_at = coalesce(revoked_at, now()) where name = $1`, [
    name,
  ]);
  return rowCount === 1;
}
