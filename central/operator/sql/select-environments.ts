import type { Pool } from "pg";
import type { EnvironmentRow } from "../rows.ts";

/** By name. */
export async function selectEnvironments(
  pool: Pool,
  o: { name: string | undefined; after: string | undefined; limit: number },
): Promise<EnvironmentRow[]> {
  const { rows } = await pool.query<EnvironmentRow>({
    name: "list-environments",
    text: `select id, name, domain_suffixes, sites_url, created_at, version from environments
     where ($1::text is null or name = $1) and ($2::text is null or name collate "C" > $2)
     order by name collate "C" limit $3`,
    values: [o.name ?? null, o.after ?? null, o.limit],
  });
  return rows;
}
