import type { Pool } from "pg";

/** The previews whose comment may not be what the tables say: those that are there, and those that changed within a day. */
export async function selectCommentedSites(pool: Pool, configId: bigint): Promise<bigint[]> {
  const { rows } = await pool.query<{ id: bigint }>(
    `select id from sites where config_id = $1 and kind = 'preview' and (state <> 'removed' or updated_at > now() - interval '1 day')
     order by id`,
    [configId],
  );
  return rows.map((row) => row.id);
}
