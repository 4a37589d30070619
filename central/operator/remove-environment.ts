import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { EnvironmentSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor, requireUnbound } from "./actor.ts";
import { audit } from "./audit.ts";
import { checkEtag } from "./etag.ts";
import { environmentMessage } from "./messages.ts";
import { environmentNotFound } from "./not-found.ts";
import { countOfEnvironment } from "./sql/count-of-environment.ts";
import { deleteEnvironment } from "./sql/delete-environment.ts";
import { lockEnvironment } from "./sql/select-environment.ts";

/** Removes an environment that has no workers, no configs and no tokens that work. */
export async function removeEnvironment(
  pool: pg.Pool,
  request: { name: string; etag: string },
  actor: Actor = localActor,
): Promise<void> {
  const { name } = request;
  requireUnbound(actor, "removing an environment");
  await withTransaction(pool, async (client) => {
    const row = await lockEnvironment(client, name);
    if (row === undefined) throw environmentNotFound(name);
    checkEtag(request.etag, row, `the environment ${name}`);
    const found = await countOfEnvironment(client, row.id);
    if (found.workers > 0n || found.configs > 0n || found.tokens > 0n) {
      const has = [
        ...count(found.workers, "worker"),
        ...count(found.configs, "deployment config"),
        ...count(found.tokens, "token"),
      ];
      const message = `the environment ${name} has ${has.join(", ")}: remove or revoke them first`;
      throw reasonError(Code.FailedPrecondition, "environment_not_empty", message);
    }
    await deleteEnvironment(client, row.id);
    const written = { method: "DeleteEnvironment", resource: `environments/${name}`, environment: name };
    await audit(client, actor, written, { schema: EnvironmentSchema, before: environmentMessage(row) });
  });
}

function count(number: bigint, what: string): string[] {
  return number === 0n ? [] : [`${number} ${what}${number === 1n ? "" : "s"}`];
}
