import type { ClientBase, Pool } from "pg";
import { hasNul } from "../no-nul.ts";
import { prepareUnfiltered } from "../prepare-unfiltered.ts";
import type { DeploymentConfigRow } from "../rows.ts";

const select = `select c.id, c.github_org, c.github_repo, c.repository_id, e.name as environment, e.sites_url, c.domain, c.subdomain,
    c.production_host, c.site_type, c.build_command, c.output_dir, c.root_dir, c.preview_label, c.forks, c.enabled, c.deleting, c.max_running,
    c.created_at, c.version,
    array(select v.name from build_variables v where v.config_id = c.id order by v.name collate "C") as build_variable_names
  from deployment_config c join environments e on e.id = c.environment_id`;

/** By repository. */
export async function selectDeploymentConfigs(
  pool: Pool,
  o: { environment: string | undefined; org: string; after: readonly [string, string, string] | undefined; limit: number },
): Promise<DeploymentConfigRow[]> {
  if (hasNul(o.environment ?? "", o.org)) return [];
  const [org, repo, id] = o.after ?? [];
  const { rows } = await pool.query<DeploymentConfigRow>({
    name: prepareUnfiltered("list-deployment-configs", [o.org]),
    text: `${select}
     where ($1::text is null or e.name = $1) and ($2 = '' or lower(c.github_org) = lower($2))
       and ($3::text is null or (lower(c.github_org) collate "C", lower(c.github_repo) collate "C", c.id::text collate "C") > ($3, $4, $5))
     order by lower(c.github_org) collate "C", lower(c.github_repo) collate "C", c.id::text collate "C" limit $6`,
    values: [o.environment ?? null, o.org, org ?? null, repo ?? null, id ?? null, o.limit],
  });
  return rows;
}

export async function selectDeploymentConfig(client: ClientBase | Pool, id: bigint): Promise<DeploymentConfigRow> {
  const { rows } = await client.query<DeploymentConfigRow>(`${select} where c.id = $1`, [id]);
  return rows[0]!;
}

/** The config of a repository by its name; undefined: there is none, or it is of another environment than `within`. */
export async function selectNamedConfig(
  client: ClientBase | Pool,
  org: string,
  repo: string,
  within: string | undefined,
): Promise<DeploymentConfigRow | undefined> {
  if (hasNul(org, repo)) return undefined;
  // GitHub's names know no case. A name that was given up may stand in an older config still; the newest one has it now.
  const { rows } = await client.query<DeploymentConfigRow>(
    `${select} where lower(c.github_org) = lower($1) and lower(c.github_repo) = lower($2) order by c.id desc limit 1`,
    [org, repo],
  );
  const row = rows[0];
  return row === undefined || (within !== undefined && row.environment !== within) ? undefined : row;
}
