import type { ClientBase } from "pg";
import type { ForksName, SiteTypeName } from "../names.ts";

export type NewDeploymentConfig = {
  githubOrg: string;
  githubRepo: string;
  repositoryId: bigint;
  installationId: bigint;
  defaultBranch: string;
  environmentId: bigint;
  domain: string;
  subdomain: string;
  siteType: SiteTypeName;
  buildCommand: string;
  outputDir: string;
  rootDir: string;
  previewLabel: string;
  forks: ForksName;
  enabled: boolean;
  maxRunning: number;
};

/**
 * Undefined if the preview label is taken in that domain. Fails on `deployment_config_repository_id_key` and on
 * `deployment_config_production_host_key`.
 */
export async function insertDeploymentConfig(client: ClientBase, config: NewDeploymentConfig): Promise<bigint | undefined> {
  const { rows } = await client.query<{ id: bigint }>(
    `insert into deployment_config (github_org, github_repo, repository_id, installation_id, default_branch, environment_id, domain,
       subdomain, site_type, build_command, output_dir, root_dir, preview_label, forks, enabled, max_running)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
     on conflict (domain, preview_label) do nothing
     returning id`,
    [
      config.githubOrg,
      config.githubRepo,
      config.repositoryId,
      config.installationId,
      config.defaultBranch,
      config.environmentId,
      config.domain,
      config.subdomain,
      config.siteType,
      config.buildCommand,
      config.outputDir,
      config.rootDir,
      config.previewLabel,
      config.forks,
      config.enabled,
      config.maxRunning,
    ],
  );
  return rows[0]?.id;
}
