import type { ClientBase } from "pg";

/** Whether somebody let this exact commit be built at this site. */
export async function selectApproved(client: ClientBase, siteId: bigint, commit: string): Promise<boolean> {
  const { rowCount } = await client.query("select from approvals where site_id = $1 and commit_sha = $2", [siteId, commit]);
  return rowCount === 1;
}
