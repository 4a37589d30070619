import type { Pool } from "pg";

/** Records that a change of the comment is on its way: until its end is recorded nobody knows what GitHub has. */
export async function beginCommentWrite(pool: Pool, siteId: bigint): Promise<void> {
  await pool.query("update sites set comment_digest = null where id = $1", [siteId]);
}
