import type { ClientBase, Pool } from "pg";
import type { EnvironmentRow } from "../rows.ts";

export async function selectEnvironment(client: ClientBase | Pool, name: string): Promise<EnvironmentRow | undefined> {
  // PostgreSQL refuses a text with NUL; nothing is called so.
  if (name.includes("\0")) return undefined;
  const { rows } = await client.query<EnvironmentRow>(
    `select id, name, domain_suffixes, sites_url, created_at from environments where name = $1`,
    [name],
  );
  return rows[0];
}
