import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { CreateEnvironmentRequestSchema, EnvironmentSchema, type Environment } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor, requireUnbound } from "./actor.ts";
import { audit } from "./audit.ts";
import { checkEnvironment } from "./check-environment.ts";
import { environmentMessage } from "./messages.ts";
import { refuseTakenSuffixes } from "./refuse-taken-suffixes.ts";
import type { EnvironmentRow } from "./rows.ts";
import { insertEnvironment } from "./sql/insert-environment.ts";
import { violatedUnique } from "./violated-constraint.ts";
import { fieldError, refuseViolations } from "./violation.ts";

const schema = CreateEnvironmentRequestSchema;

export async function createEnvironment(
  pool: pg.Pool,
  environment: Environment,
  actor: Actor = localActor,
): Promise<EnvironmentRow> {
  requireUnbound(actor, "making an environment");
  refuseViolations(schema, checkEnvironment(environment));
  try {
    return await withTransaction(pool, async (client) => {
      const row = await insertEnvironment(client, environment);
      await refuseTakenSuffixes(client, schema, environment);
      const written = { method: "CreateEnvironment", resource: `environments/${row.name}`, environment: row.name };
      await audit(client, actor, written, { schema: EnvironmentSchema, after: environmentMessage(row) });
      return row;
    });
  } catch (error) {
    if (violatedUnique(error) !== "environments_name_key") throw error;
    const message = `there is an environment ${environment.name} already`;
    throw fieldError(Code.AlreadyExists, schema, [{ field: "environment.name", message }], "environment_exists");
  }
}
