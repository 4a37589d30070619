import type { Pool } from "pg";

/** Records that GitHub does not take this comment, and why: it is given up until there is another one to write, or the pull request is unlocked. */
export async function recordRefusal(pool: Pool, siteId: bigint, refusal: { reason: string; digest: string }): Promise<void> {
  await pool.query("update sites set comment_refusal = $2, comment_refused_digest = $3 where id = $1", [
    siteId,
    refusal.reason.slice(0, 1000),
    refusal.digest,
  ]);
}
