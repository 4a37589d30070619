import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor } from "./actor.ts";
import { audit } from "./audit.ts";
import { checkEtag } from "./etag.ts";
import { workerMessage } from "./messages.ts";
import { workerNotFound } from "./not-found.ts";
import { deleteWorker } from "./sql/delete-worker.ts";
import { lockWorker } from "./sql/lock-worker.ts";

/** Removes a worker none of whose deployments runs; its keys stop working at once. */
export async function removeWorker(
  pool: pg.Pool,
  request: { id: string; etag: string },
  actor: Actor = localActor,
): Promise<void> {
  const { id } = request;
  await withTransaction(pool, async (client) => {
    const found = await lockWorker(client, id, actor.environment);
    if (found === undefined) throw workerNotFound(id);
    checkEtag(request.etag, found.row, `the worker ${id}`);
    const { running } = found.row;
    if (running > 0) {
      const message = `the worker ${id} has ${running} running deployment${running === 1 ? "" : "s"}: wait for the end`;
      throw reasonError(Code.FailedPrecondition, "deployments_running", message);
    }
    await deleteWorker(client, id);
    const written = { method: "DeleteWorker", resource: `workers/${id}`, environment: found.row.environment };
    await audit(client, actor, written, { schema: WorkerSchema, before: workerMessage(found.row) });
  });
}
