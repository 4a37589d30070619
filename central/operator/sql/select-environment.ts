import type { ClientBase, Pool } from "pg";
import { hasNul } from "../no-nul.ts";
import type { EnvironmentRow } from "../rows.ts";

const columns = "id, name, domain_suffixes, sites_url, created_at, version";

export async function selectEnvironment(client: ClientBase | Pool, name: string): Promise<EnvironmentRow | undefined> {
  if (hasNul(name)) return undefined;
  const text = `select ${columns} from environments where name = $1`;
  const { rows } = await client.query<EnvironmentRow>({ name: "select-environment", text, values: [name] });
  return rows[0];
}

/** The same, locked against new workers and configs until the transaction ends: their foreign keys take a share lock on it. */
export async function lockEnvironment(client: ClientBase, name: string): Promise<EnvironmentRow | undefined> {
  if (hasNul(name)) return undefined;
  const { rows } = await client.query<EnvironmentRow>(`select ${columns} from environments where name = $1 for update`, [name]);
  return rows[0];
}
