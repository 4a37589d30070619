import type { ClientBase } from "pg";

/** Records that GitHub does not take this comment, and why: another one, an unlocked pull request, or time is needed. */
export async function recordRefusal(
  client: ClientBase,
  siteId: bigint,
  refusal: { reason: string; digest: string },
): Promise<void> {
  await client.query("update sites set comment_refusal = $2, comment_refused_digest = $3 where id = $1", [
    siteId,
    refusal.reason.slice(0, 1000),
    refusal.digest,
  ]);
}
