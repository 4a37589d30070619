import type { ClientBase } from "pg";

/** The newest deployment of a commit at a site. */
export async function selectDeploymentOf(client: ClientBase, siteId: bigint, commit: string): Promise<bigint | undefined> {
  const { rows } = await client.query<{ id: bigint }>(
    "select id from deployment_history where site_id = $1 and commit_sha = $2 order by generation desc limit 1",
    [siteId, commit],
  );
  return rows[0]?.id;
}
