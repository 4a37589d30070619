import { Code, type ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { DeploymentConfigSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor } from "./actor.ts";
import { audit } from "./audit.ts";
import { configResource } from "./create-deployment-config.ts";
import { checkEtag } from "./etag.ts";
import { deploymentConfigMessage } from "./messages.ts";
import { configNotFound } from "./not-found.ts";
import { deleteDeploymentConfig } from "./sql/delete-deployment-config.ts";
import { lockDeploymentConfig } from "./sql/lock-deployment-config.ts";
import { removeSites } from "./sql/remove-sites.ts";
import { selectDeploymentConfig } from "./sql/select-deployment-configs.ts";
import { selectSitesToRemove } from "./sql/select-sites-to-remove.ts";

/**
 * Removes a config, at once if it has no sites. With deleteSites its sites are handed to their worker for removal, and the config goes
 * with the last of them. Answers how many are left; a repeat asks for them again.
 */
export async function removeDeploymentConfig(
  pool: pg.Pool,
  request: { githubOrg: string; githubRepo: string; deleteSites: boolean; etag?: string },
  actor: Actor = localActor,
): Promise<number> {
  const { githubOrg, githubRepo } = request;
  return withTransaction(pool, async (client) => {
    const config = await lockDeploymentConfig(client, githubOrg, githubRepo, actor.environment);
    if (config === undefined) throw configNotFound(githubOrg, githubRepo);
    const name = `${config.github_org}/${config.github_repo}`;
    checkEtag(request.etag ?? "", config, `the deployment config of ${name}`);
    const sites = await selectSitesToRemove(client, config.id);
    if (sites.length > 0 && !request.deleteSites) throw hasSites(name, sites);
    const written = { method: "DeleteDeploymentConfig", resource: configResource(config), environment: config.environment };
    const before = deploymentConfigMessage(config);
    if (sites.length === 0) {
      await deleteDeploymentConfig(client, config.id);
      await audit(client, actor, written, { schema: DeploymentConfigSchema, before });
      return 0;
    }
    await removeSites(client, config.id);
    for (const site of sites) await addJob(client, { task: "dispatch", siteId: site.id });
    const after = deploymentConfigMessage(await selectDeploymentConfig(client, config.id));
    await audit(client, actor, written, { schema: DeploymentConfigSchema, before, after });
    return sites.length;
  });
}

function hasSites(name: string, sites: readonly { host: string }[]): ConnectError {
  const shown = sites.slice(0, 5).map((site) => site.host);
  const more = sites.length > shown.length ? `, … (${sites.length})` : "";
  const message = `the deployment config of ${name} has sites: ${shown.join(", ")}${more}. Set delete_sites to remove them too`;
  return reasonError(Code.FailedPrecondition, "config_has_sites", message);
}
