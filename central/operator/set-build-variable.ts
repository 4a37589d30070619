import { Code, type ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { judgeVariableName } from "#common/build-variables/judge-variable-name.ts";
import { judgeVariableValue } from "#common/build-variables/judge-variable-value.ts";
import { sealSecret } from "#central/database/seal.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { DeploymentConfigSchema, SetBuildVariableRequestSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor } from "./actor.ts";
import { audit } from "./audit.ts";
import { configResource } from "./create-deployment-config.ts";
import { deploymentConfigMessage } from "./messages.ts";
import { configNotFound } from "./not-found.ts";
import { lockDeploymentConfig } from "./sql/lock-deployment-config.ts";
import { selectDeploymentConfig } from "./sql/select-deployment-configs.ts";
import { touchConfigVersion } from "./sql/touch-config-version.ts";
import { measureBuildVariables } from "./sql/measure-build-variables.ts";
import { upsertBuildVariable } from "./sql/upsert-build-variable.ts";
import { fieldError, refuseViolations, violationOf } from "./violation.ts";

/** Of one config, all names and values together: what a worker masks must fit its memory many times over. */
const maxBytes = 32_768;
const maxVariables = 100;

/** Sets one build variable of a config. Its value is stored sealed and given to trusted builds alone; no error holds it. */
export async function setBuildVariable(
  pool: pg.Pool,
  secretKey: Buffer,
  o: { githubOrg: string; githubRepo: string; name: string; value: string },
  actor: Actor = localActor,
): Promise<void> {
  const { githubOrg, githubRepo, name, value } = o;
  refuseViolations(SetBuildVariableRequestSchema, [
    ...violationOf("variable.name", judgeVariableName(name)),
    ...violationOf("variable.value", judgeVariableValue(value)),
  ]);
  await withTransaction(pool, async (client) => {
    const config = await lockDeploymentConfig(client, githubOrg, githubRepo, actor.environment);
    if (config === undefined) throw configNotFound(githubOrg, githubRepo);
    const configId = config.id;
    await upsertBuildVariable(client, { configId, name, valueSealed: sealSecret(secretKey, Buffer.from(value)) });
    const { count, bytes } = await measureBuildVariables(client, configId);
    if (count > maxVariables) throw tooMuch(`there would be more than ${maxVariables} build variables`);
    if (bytes > maxBytes) throw tooMuch(`the build variables together would take ${bytes} bytes of at most ${maxBytes}`);
    await touchConfigVersion(client, configId);
    const written = { method: "SetBuildVariable", resource: configResource(config), environment: config.environment };
    const after = deploymentConfigMessage(await selectDeploymentConfig(client, configId));
    await audit(client, actor, written, { schema: DeploymentConfigSchema, before: deploymentConfigMessage(config), after });
  });
}

function tooMuch(message: string): ConnectError {
  const violations = [{ field: "variable", message }];
  // Not resource_exhausted, which asks for another try: only a variable that goes makes room.
  return fieldError(Code.FailedPrecondition, SetBuildVariableRequestSchema, violations, "too_many_variables");
}
