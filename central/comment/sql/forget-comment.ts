import type { Pool } from "pg";

/** Records that the comment which the tables know is gone at GitHub. */
export async function forgetComment(pool: Pool, siteId: bigint): Promise<void> {
  await pool.query(
    `update sites set comment_id = null, comment_digest = null, comment_refusal = null, comment_refused_digest = null where id = $1`,
    [siteId],
  );
}
