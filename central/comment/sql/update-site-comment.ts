import type { Pool } from "pg";

/**
 * Records the comment that GitHub has, and that it takes comments here. false: meanwhile another replica recorded another one than was `known`.
 */
export async function updateSiteComment(
  pool: Pool,
  siteId: bigint,
  comment: { id: bigint; digest: string },
  known: bigint | null,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update sites set comment_id = $2, comment_digest = $3, comment_refusal = null, comment_refused_digest = null
     where id = $1 and (comment_id is not distinct from $4 or comment_id = $2)`,
    [siteId, comment.id, comment.digest, known],
  );
  return rowCount === 1;
}
