import type { Pool } from "pg";

export type TokenRow = { name: string; scope: "read" | "write"; created_at: Date; used_at: Date | null; revoked_at: Date | null };

export async function selectTokens(pool: Pool): Promise<TokenRow[]> {
  const { rows } = await pool.query<TokenRow>(
    `select name, scope, created_at, used_at, revoked_at from operator_tokens order by name collate "C"`,
  );
  return rows;
}
