import type { ClientBase, Pool } from "pg";
import type { ConfigRules } from "#central/decision/decide.ts";

export type Config = ConfigRules & {
  id: bigint;
  githubOrg: string;
  githubRepo: string;
  installationId: bigint;
  defaultBranch: string;
};

const columns = `id, github_org as "githubOrg", github_repo as "githubRepo", repository_id as "repositoryId",
  installation_id as "installationId", default_branch as "defaultBranch", domain, production_host as "productionHost",
  preview_label as "previewLabel", forks, enabled, deleting`;

export async function selectConfigOfRepository(client: Pool | ClientBase, repositoryId: bigint): Promise<Config | undefined> {
  const { rows } = await client.query<Config>(`select ${columns} from deployment_config where repository_id = $1`, [
    repositoryId,
  ]);
  return rows[0];
}

export async function selectConfig(client: Pool | ClientBase, id: bigint): Promise<Config | undefined> {
  const { rows } = await client.query<Config>(`select ${columns} from deployment_config where id = $1`, [id]);
  return rows[0];
}

/** The config again, against changes until the transaction ends: what was decided by it must still hold when it is applied. */
export async function lockConfig(client: ClientBase, id: bigint): Promise<Config | undefined> {
  const { rows } = await client.query<Config>(`select ${columns} from deployment_config where id = $1 for share`, [id]);
  return rows[0];
}
