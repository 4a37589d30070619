import type { Pool } from "pg";

/** Records that a config was compared with GitHub. */
export async function recordLook(pool: Pool, configId: bigint): Promise<void> {
  await pool.query("update deployment_config set looked_at = now() where id = $1", [configId]);
}
