import type { ClientBase } from "pg";
import type { ForksName, SiteTypeName } from "../names.ts";

export type ConfigUpdate = {
  domain: string;
  subdomain: string;
  siteType: SiteTypeName;
  buildCommand: string;
  outputDir: string;
  rootDir: string;
  forks: ForksName;
  enabled: boolean;
  maxRunning: number;
};

/** Fails on `deployment_config_production_host_key` and `deployment_config_domain_preview_label_key` if a host is another repository's. */
export async function updateDeploymentConfigRow(client: ClientBase, id: bigint, values: ConfigUpdate): Promise<void> {
  await client.query(
    `update deployment_config set domain = $2, subdomain = $3, site_type = $4, build_command = $5, output_dir = $6, root_dir = $7,
       forks = $8, enabled = $9, max_running = $10, version = version + 1 where id = $1`,
    [
      id,
      values.domain,
      values.subdomain,
      values.siteType,
      values.buildCommand,
      values.outputDir,
      values.rootDir,
      values.forks,
      values.enabled,
      values.maxRunning,
    ],
  );
}
