import { randomBytes } from "node:crypto";
import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/pool.ts";
import { sealSecret } from "#central/database/seal.ts";
import { createSigningKey, formatWorkerKeyFile } from "#common/rpc/keys.ts";
import { CreateWorkerRequestSchema, type Worker } from "#gen/catapult/v1/operator_service_pb.js";
import { canonicalEndpoint, checkWorker } from "./check-worker.ts";
import type { WorkerRow } from "./rows.ts";
import { insertWorkerKey } from "./sql/insert-worker-key.ts";
import { insertWorker } from "./sql/insert-worker.ts";
import { violatedUnique } from "./violated-constraint.ts";
import { fieldError, refuseViolations } from "./violation.ts";

const schema = CreateWorkerRequestSchema;

/** Adds a worker with one key for each direction. The keys are stored sealed; the key file is given out here and never again. */
export async function createWorker(
  pool: pg.Pool,
  secretKey: Buffer,
  worker: Worker,
): Promise<{ row: WorkerRow; keyFile: string }> {
  refuseViolations(schema, checkWorker(worker));
  const toWorker = createSigningKey(newKid(worker.id, "w"));
  const toCentral = createSigningKey(newKid(worker.id, "c"));
  try {
    const row = await withTransaction(pool, async (client) => {
      const inserted = await insertWorker(client, { ...worker, endpoint: canonicalEndpoint(worker.endpoint) });
      if (inserted === undefined)
        throw refusal(Code.InvalidArgument, "environment", `there is no environment ${worker.environment}`);
      const keys = [
        { ...toWorker, direction: "to_worker" as const },
        { ...toCentral, direction: "to_central" as const },
      ];
      for (const { kid, key, direction } of keys) {
        await insertWorkerKey(client, { kid, workerId: worker.id, direction, keySealed: sealSecret(secretKey, key) });
      }
      return inserted;
    });
    return { row, keyFile: formatWorkerKeyFile({ worker: worker.id, sign: toCentral, verify: [toWorker] }) };
  } catch (error) {
    throw refusalOf(error, worker) ?? error;
  }
}

/** At most 32 characters: a worker's id may have as many itself, so it is cut. The random part makes it unique. */
function newKid(worker: string, direction: "w" | "c"): string {
  return `${worker.slice(0, 21)}-${direction}${randomBytes(4).toString("hex")}`;
}

function refusalOf(error: unknown, worker: Worker): Error | undefined {
  const constraint = violatedUnique(error);
  if (constraint === "workers_pkey") return refusal(Code.AlreadyExists, "id", `there is a worker ${worker.id} already`);
  if (constraint === "workers_one_enabled") {
    const message = `the environment ${worker.environment} has an enabled worker already: add this one disabled, or remove the other first`;
    return refusal(Code.FailedPrecondition, "enabled", message);
  }
  return undefined;
}

function refusal(code: Code, field: string, message: string): Error {
  return fieldError(code, schema, [{ field: `worker.${field}`, message }]);
}
