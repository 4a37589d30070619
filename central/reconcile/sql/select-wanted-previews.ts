import type { Pool } from "pg";

export async function selectWantedPreviews(pool: Pool, configId: bigint): Promise<bigint[]> {
  const { rows } = await pool.query<{ pull_request: bigint }>(
    "select pull_request from sites where config_id = $1 and kind = 'preview' and state in ('wanted', 'evicted') order by id",
    [configId],
  );
  return rows.map((row) => row.pull_request);
}
