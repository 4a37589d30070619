import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { DeploymentConfigSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { deleteBuildVariable } from "./sql/delete-build-variable.ts";
import { type Actor, localActor } from "./actor.ts";
import { audit } from "./audit.ts";
import { configResource } from "./create-deployment-config.ts";
import { deploymentConfigMessage } from "./messages.ts";
import { configNotFound } from "./not-found.ts";
import { hasNul } from "./no-nul.ts";
import { lockDeploymentConfig } from "./sql/lock-deployment-config.ts";
import { selectDeploymentConfig } from "./sql/select-deployment-configs.ts";
import { touchConfigVersion } from "./sql/touch-config-version.ts";

export async function removeBuildVariable(
  pool: pg.Pool,
  o: { githubOrg: string; githubRepo: string; name: string },
  actor: Actor = localActor,
): Promise<void> {
  const repository = `${o.githubOrg}/${o.githubRepo}`;
  await withTransaction(pool, async (client) => {
    const config = await lockDeploymentConfig(client, o.githubOrg, o.githubRepo, actor.environment);
    if (config === undefined) throw configNotFound(o.githubOrg, o.githubRepo);
    if (hasNul(o.name) || !(await deleteBuildVariable(client, config.id, o.name)))
      throw reasonError(Code.NotFound, "variable_not_found", `name: ${repository} has no build variable of that name`);
    await touchConfigVersion(client, config.id);
    const written = { method: "DeleteBuildVariable", resource: configResource(config), environment: config.environment };
    const after = deploymentConfigMessage(await selectDeploymentConfig(client, config.id));
    await audit(client, actor, written, { schema: DeploymentConfigSchema, before: deploymentConfigMessage(config), after });
  });
}
