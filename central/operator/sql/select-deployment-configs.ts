import type { ClientBase, Pool } from "pg";
import type { DeploymentConfigRow } from "../rows.ts";

const select = `select c.id, c.github_org, c.github_repo, c.repository_id, e.name as environment, e.sites_url, c.domain, c.subdomain,
    c.production_host, c.site_type, c.build_command, c.output_dir, c.root_dir, c.preview_label, c.forks, c.enabled, c.created_at,
    array(select v.name from build_variables v where v.config_id = c.id order by v.name collate "C") as build_variable_names
  from deployment_config c join environments e on e.id = c.environment_id`;

export async function selectDeploymentConfigs(pool: Pool): Promise<DeploymentConfigRow[]> {
  const { rows } = await pool.query<DeploymentConfigRow>(
    `${select} order by lower(c.github_org) collate "C", lower(c.github_repo) collate "C", c.id`,
  );
  return rows;
}

export async function selectDeploymentConfig(client: ClientBase, id: bigint): Promise<DeploymentConfigRow> {
  const { rows } = await client.query<DeploymentConfigRow>(`${select} where c.id = $1`, [id]);
  return rows[0]!;
}
