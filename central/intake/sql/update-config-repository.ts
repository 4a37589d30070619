import type { Pool } from "pg";

/** Follows a rename, a transfer, a new default branch or a new installation of the App. */
export async function updateConfigRepository(
  pool: Pool,
  config: { id: bigint; githubOrg: string; githubRepo: string; installationId: bigint; defaultBranch: string },
): Promise<void> {
  await pool.query(
    `update deployment_config set github_org = $2, github_repo = $3, installation_id = $4, default_branch = $5
     where id = $1 and (github_org, github_repo, installation_id, default_branch) is distinct from ($2, $3, $4::bigint, $5)`,
    [config.id, config.githubOrg, config.githubRepo, config.installationId, config.defaultBranch],
  );
}
