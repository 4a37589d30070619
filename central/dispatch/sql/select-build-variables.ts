import type { Pool } from "pg";

/** The build variables of a site's config, still sealed. */
export async function selectBuildVariables(pool: Pool, siteId: bigint): Promise<{ name: string; sealed: Buffer }[]> {
  const { rows } = await pool.query<{ name: string; sealed: Buffer }>(
    `select v.name, v.value_sealed as sealed from build_variables v join sites s on s.config_id = v.config_id
     where s.id = $1 order by v.name collate "C"`,
    [siteId],
  );
  return rows;
}
