import type { ClientBase, Pool } from "pg";
import { hasNul } from "../no-nul.ts";

export type TokenRow = {
  name: string;
  scope: "read" | "write";
  environment: string | null;
  created_at: Date;
  used_at: Date | null;
  revoked_at: Date | null;
};

const select = `select t.name, t.scope, e.name as environment, t.created_at, t.used_at, t.revoked_at
  from operator_tokens t left join environments e on e.id = t.environment_id`;

/** All of them, by name. */
export async function selectTokens(pool: Pool): Promise<TokenRow[]> {
  const { rows } = await pool.query<TokenRow>(`${select} order by t.name collate "C"`);
  return rows;
}

/** By name; `within` an environment, or all. */
export async function selectTokenPage(
  pool: Pool,
  o: { within: string | undefined; after: string | undefined; limit: number },
): Promise<TokenRow[]> {
  const { rows } = await pool.query<TokenRow>(
    `${select} where ($1::text is null or e.name = $1) and ($2::text is null or t.name collate "C" > $2)
     order by t.name collate "C" limit $3`,
    [o.within ?? null, o.after ?? null, o.limit],
  );
  return rows;
}

export async function selectTokenRow(
  client: ClientBase,
  name: string,
  within: string | undefined,
): Promise<TokenRow | undefined> {
  if (hasNul(name)) return undefined;
  const { rows } = await client.query<TokenRow>(`${select} where t.name = $1 and ($2::text is null or e.name = $2)`, [
    name,
    within ?? null,
  ]);
  return rows[0];
}
