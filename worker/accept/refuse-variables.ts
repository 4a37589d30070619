import { judgeVariableName } from "#common/build-variables/judge-variable-name.ts";
import { judgeVariableValue } from "#common/build-variables/judge-variable-value.ts";
import { invalidField } from "#common/rpc/invalid-field.ts";
import { Trust } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";

/** Throws if a build may not get the variables that came with it. Central sends none like that; whoever holds its key could. */
export function refuseVariables(request: Pick<BuildRequest, "trust" | "variables">): void {
  if (request.variables.length > 0 && request.trust !== Trust.REPOSITORY)
    throw invalidField("variables", "a fork's commit gets none");
  for (const [index, { name, value }] of request.variables.entries()) {
    const problem = judgeVariableName(name);
    if (problem !== undefined) throw invalidField(`variables[${index}].name`, problem);
    const wrong = judgeVariableValue(value);
    if (wrong !== undefined) throw invalidField(`variables[${index}].value`, wrong);
  }
}
