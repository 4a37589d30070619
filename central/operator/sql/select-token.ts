import type { Pool } from "pg";

export type FoundToken = {
  id: bigint;
  name: string;
  scope: "read" | "write";
  token_hash: Buffer;
  revoked_at: Date | null;
  used_long_ago: boolean;
};

export async function selectToken(pool: Pool, hash: Buffer): Promise<FoundToken | undefined> {
  const { rows } = await pool.query<FoundToken>(
    `select id, name, scope, token_hash, revoked_at, used_at is null or used_at < now() - interval '1 minute' as used_long_ago
     from operator_tokens where token_hash = $1`,
    [hash],
  );
  return rows[0];
}
