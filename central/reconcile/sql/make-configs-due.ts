import type { Pool } from "pg";

/** Lets every config that was looked at be looked at anew. */
export async function makeConfigsDue(pool: Pool): Promise<void> {
  await pool.query("update deployment_config set looked_at = '-infinity' where looked_at > '-infinity'");
}
