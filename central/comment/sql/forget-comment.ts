import type { ClientBase, Pool } from "pg";

/** Records that GitHub has another comment here than the tables say, or none: the next job looks for it and writes it again. */
export async function forgetComment(client: Pool | ClientBase, siteId: bigint): Promise<void> {
  await client.query(
    `update sites set comment_id = null, comment_digest = null, comment_refusal = null, comment_refused_digest = null where id = $1`,
    [siteId],
  );
}
