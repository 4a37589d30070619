import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/pool.ts";
import { CreateEnvironmentRequestSchema, type Environment } from "#gen/catapult/v1/operator_service_pb.js";
import { checkEnvironment } from "./check-environment.ts";
import type { EnvironmentRow } from "./rows.ts";
import { insertEnvironment } from "./sql/insert-environment.ts";
import { violatedUnique } from "./violated-constraint.ts";
import { fieldError, refuseViolations } from "./violation.ts";

const schema = CreateEnvironmentRequestSchema;

export async function createEnvironment(pool: pg.Pool, environment: Environment): Promise<EnvironmentRow> {
  refuseViolations(schema, checkEnvironment(environment));
  try {
    return await withTransaction(pool, async (client) => insertEnvironment(client, environment));
  } catch (error) {
    if (violatedUnique(error) !== "environments_name_key") throw error;
    const message = `there is an environment ${environment.name} already`;
    throw fieldError(Code.AlreadyExists, schema, [{ field: "environment.name", message }]);
  }
}
