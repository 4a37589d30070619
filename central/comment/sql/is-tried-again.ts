import type { ClientBase } from "pg";

/** Whether a job waits that will try a site's refused comment again. */
export async function isTriedAgain(client: ClientBase, siteId: bigint): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from graphile_worker.jobs where key = 'comment-again:' || $1::bigint and attempts < max_attempts",
    [siteId],
  );
  return rowCount !== 0;
}
