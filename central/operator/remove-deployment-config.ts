import { Code, ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/pool.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { deleteDeploymentConfig } from "./sql/delete-deployment-config.ts";
import { lockDeploymentConfig } from "./sql/lock-deployment-config.ts";
import { removeSites } from "./sql/remove-sites.ts";
import { selectSitesToRemove } from "./sql/select-sites-to-remove.ts";

/**
 * Removes a config, at once if it has no sites. With deleteSites its sites are handed to their worker for removal, and the config goes
 * with the last of them. Answers how many are left; a repeat asks for them again.
 */
export async function removeDeploymentConfig(
  pool: pg.Pool,
  config: { githubOrg: string; githubRepo: string; deleteSites: boolean },
): Promise<number> {
  const name = `${config.githubOrg}/${config.githubRepo}`;
  return withTransaction(pool, async (client) => {
    const id = await lockDeploymentConfig(client, config.githubOrg, config.githubRepo);
    if (id === undefined) throw new ConnectError(`github_repo: there is no deployment config of ${name}`, Code.NotFound);
    const sites = await selectSitesToRemove(client, id);
    if (sites.length === 0) {
      await deleteDeploymentConfig(client, id);
      return 0;
    }
    if (!config.deleteSites) throw hasSites(name, sites);
    await removeSites(client, id);
    for (const site of sites) await addJob(client, { task: "dispatch", siteId: site.id });
    return sites.length;
  });
}

function hasSites(name: string, sites: readonly { host: string }[]): ConnectError {
  const shown = sites.slice(0, 5).map((site) => site.host);
  const more = sites.length > shown.length ? `, … (${sites.length})` : "";
  const message = `the deployment config of ${name} has sites: ${shown.join(", ")}${more}. Set delete_sites to remove them too`;
  return new ConnectError(message, Code.FailedPrecondition);
}
