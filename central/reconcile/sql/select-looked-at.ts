import type { Pool } from "pg";

/** Whether a config was compared with GitHub before: what its first look makes is no repair. */
export async function selectLookedAt(pool: Pool, configId: bigint): Promise<boolean> {
  const { rowCount } = await pool.query("select from deployment_config where id = $1 and looked_at is not null", [configId]);
  return rowCount === 1;
}
