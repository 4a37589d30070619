import type { Pool } from "pg";

/** Fails on `operator_tokens_name_key` if the name is taken. */
export async function insertToken(pool: Pool, token: { name: string; scope: "read" | "write"; hash: Buffer }): Promise<void> {
  await pool.query(`insert into operator_tokens (name, scope, token_hash) values ($1, $2, $3)`, [
    token.name,
    token.scope,
    token.hash,
  ]);
}
