import type { ClientBase } from "pg";
import { hasNul } from "../no-nul.ts";
import type { DeploymentConfigRow } from "../rows.ts";
import { selectDeploymentConfig, selectNamedConfig } from "./select-deployment-configs.ts";

/**
 * Locks a repository's config until the transaction ends, against new sites too: their foreign key takes a share lock on it. undefined: there is
 * none, or it is of another environment than `within`.
 */
export async function lockDeploymentConfig(
  client: ClientBase,
  org: string,
  repo: string,
  within: string | undefined,
): Promise<DeploymentConfigRow | undefined> {
  if (hasNul(org, repo)) return undefined;
  const named = await selectNamedConfig(client, org, repo, within);
  if (named === undefined) return undefined;
  const { rowCount } = await client.query(`select from deployment_config where id = $1 for update`, [named.id]);
  return rowCount === 1 ? selectDeploymentConfig(client, named.id) : undefined;
}
