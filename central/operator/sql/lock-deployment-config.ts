import type { ClientBase } from "pg";

/**
 * Locks a repository's config until the transaction ends, against new sites too: their foreign key takes a share lock on it. GitHub's
 * names know no case. A name that was given up may stand in an older config still; the newest one has it now.
 */
export async function lockDeploymentConfig(client: ClientBase, org: string, repo: string): Promise<bigint | undefined> {
  // PostgreSQL refuses a text with NUL; nothing is called so.
  if (org.includes("\0") || repo.includes("\0")) return undefined;
  const { rows } = await client.query<{ id: bigint }>(
    `select id from deployment_config where lower(github_org) = lower($1) and lower(github_repo) = lower($2)
     order by id desc limit 1 for update`,
    [org, repo],
  );
  return rows[0]?.id;
}
