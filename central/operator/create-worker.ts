import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { formatWorkerKeyFile } from "#common/rpc/keys.ts";
import type { Reason } from "#common/rpc/reasons.ts";
import { CreateWorkerRequestSchema, WorkerSchema, type Worker } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor, requireEnvironment } from "./actor.ts";
import { audit } from "./audit.ts";
import { canonicalEndpoint, checkWorker } from "./check-worker.ts";
import { workerMessage } from "./messages.ts";
import type { WorkerRow } from "./rows.ts";
import { insertWorker } from "./sql/insert-worker.ts";
import { violatedUnique } from "./violated-constraint.ts";
import { fieldError, refuseViolations } from "./violation.ts";
import { createWorkerKeys, storeWorkerKeys } from "./worker-keys.ts";

const schema = CreateWorkerRequestSchema;

/** Adds a worker with one key for each direction. The keys are stored sealed; the key file is given out here and never again. */
export async function createWorker(
  pool: pg.Pool,
  secretKey: Buffer,
  worker: Worker,
  actor: Actor = localActor,
): Promise<{ row: WorkerRow; keyFile: string }> {
  requireEnvironment(actor, worker.environment);
  refuseViolations(schema, checkWorker(worker));
  const keys = createWorkerKeys(worker.id);
  try {
    const row = await withTransaction(pool, async (client) => {
      const inserted = await insertWorker(client, { ...worker, endpoint: canonicalEndpoint(worker.endpoint) });
      if (inserted === undefined) {
        const message = `there is no environment ${worker.environment}`;
        throw refusal(Code.InvalidArgument, "environment", message, "environment_not_found");
      }
      await storeWorkerKeys(client, secretKey, worker.id, keys);
      const written = { method: "CreateWorker", resource: `workers/${inserted.id}`, environment: inserted.environment };
      await audit(client, actor, written, { schema: WorkerSchema, after: workerMessage(inserted) });
      return inserted;
    });
    return { row, keyFile: formatWorkerKeyFile({ worker: worker.id, sign: keys.toCentral, verify: [keys.toWorker] }) };
  } catch (error) {
    throw refusalOf(error, worker) ?? error;
  }
}

function refusalOf(error: unknown, worker: Worker): Error | undefined {
  const constraint = violatedUnique(error);
  if (constraint === "workers_pkey")
    return refusal(Code.AlreadyExists, "id", `there is a worker ${worker.id} already`, "worker_exists");
  if (constraint === "workers_one_enabled") {
    const message = `the environment ${worker.environment} has an enabled worker already: add this one disabled, then enable it in its place`;
    return refusal(Code.FailedPrecondition, "enabled", message, "worker_enabled");
  }
  return undefined;
}

function refusal(code: Code, field: string, message: string, reason: Reason): Error {
  return fieldError(code, schema, [{ field: `worker.${field}`, message }], reason);
}
