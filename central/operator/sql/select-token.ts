import type { Pool } from "pg";

export type FoundToken = {
  id: bigint;
  name: string;
  scope: "read" | "write";
  environment: string | null;
  token_hash: Buffer;
  revoked_at: Date | null;
  used_long_ago: boolean;
};

export async function selectToken(pool: Pool, hash: Buffer): Promise<FoundToken | undefined> {
  const { rows } = await pool.query<FoundToken>(
    `select t.id, t.name, t.scope, e.name as environment, t.token_hash, t.revoked_at,
       t.used_at is null or t.used_at < now() - interval '1 minute' as used_long_ago
     from operator_tokens t left join environments e on e.id = t.environment_id where t.token_hash = $1`,
    [hash],
  );
  return rows[0];
}

/** Whether a token that a stream began with still works. */
export async function isTokenValid(pool: Pool, name: string): Promise<boolean> {
  const { rowCount } = await pool.query(`select from operator_tokens where name = $1 and revoked_at is null`, [name]);
  return rowCount === 1;
}
