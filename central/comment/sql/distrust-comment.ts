import type { ClientBase } from "pg";

/** Records that nobody knows what GitHub has in a site's comment, nor whether it would refuse another: the next job writes it whatever it says. */
export async function distrustComment(client: ClientBase, siteId: bigint): Promise<void> {
  await client.query(
    "update sites set comment_digest = null, comment_refusal = null, comment_refused_digest = null where id = $1",
    [siteId],
  );
}
