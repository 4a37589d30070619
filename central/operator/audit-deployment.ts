import type { ClientBase } from "pg";
import { DeploymentSchema } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import type { DeploymentRow } from "./rows.ts";
import { deploymentMessage } from "./site-messages.ts";
import { selectDeploymentRow } from "./sql/select-deployments.ts";

/** Records what an operator did to a deployment, or that they had it made. */
export async function auditDeployment(
  client: ClientBase,
  actor: Actor,
  method: string,
  id: bigint,
  before?: DeploymentRow,
): Promise<DeploymentRow> {
  const row = await selectDeploymentRow(client, id);
  if (row === undefined) throw new Error(`recording ${method}: there is no deployment ${id}`);
  const written = { method, resource: `deployments/${id}`, environment: row.environment };
  const change = { before: before === undefined ? undefined : deploymentMessage(before), after: deploymentMessage(row) };
  await audit(client, actor, written, { schema: DeploymentSchema, ...change });
  return row;
}
