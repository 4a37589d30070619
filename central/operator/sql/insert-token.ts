import type { ClientBase } from "pg";
import { hasNul } from "../no-nul.ts";

/** false: there is no such environment. Fails on `operator_tokens_name_key` if the name is taken. */
export async function insertToken(
  client: ClientBase,
  token: { name: string; scope: "read" | "write"; hash: Buffer; environment: string | undefined },
): Promise<boolean> {
  if (token.environment === undefined) {
    await client.query(`insert into operator_tokens (name, scope, token_hash) values ($1, $2, $3)`, [
      token.name,
      token.scope,
      token.hash,
    ]);
    return true;
  }
  if (hasNul(token.environment)) return false;
  const { rowCount } = await client.query(
    `insert into operator_tokens (name, scope, token_hash, environment_id) select $1, $2, $3, id from environments where name = $4`,
    [token.name, token.scope, token.hash, token.environment],
  );
  return rowCount === 1;
}
