import type { Pool } from "pg";

/** Records the comment that GitHub has; without an id, that it has none of ours. */
export async function updateSiteComment(
  pool: Pool,
  siteId: bigint,
  comment: { id: bigint; digest: string | null } | undefined,
): Promise<void> {
  await pool.query("update sites set comment_id = $2, comment_digest = $3 where id = $1", [
    siteId,
    comment?.id ?? null,
    comment?.digest ?? null,
  ]);
}
