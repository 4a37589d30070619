import type { Pool } from "pg";
import type { EnvironmentRow } from "../rows.ts";

export async function selectEnvironments(pool: Pool): Promise<EnvironmentRow[]> {
  const { rows } = await pool.query<EnvironmentRow>(
    `select id, name, domain_suffixes, sites_url, created_at from environments order by name collate "C"`,
  );
  return rows;
}
