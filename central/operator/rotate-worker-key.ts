import type pg from "pg";
import { openSecret } from "#central/database/seal.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { formatWorkerKeyFile } from "#common/rpc/keys.ts";
import { WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { workerMessage } from "./messages.ts";
import { workerNotFound } from "./not-found.ts";
import type { WorkerRow } from "./rows.ts";
import { lockWorker } from "./sql/lock-worker.ts";
import { retireOtherKeys, selectKeyInUse } from "./sql/retire-worker-keys.ts";
import { selectWorker } from "./sql/select-workers.ts";
import { touchWorkerVersion } from "./sql/update-worker.ts";
import { createWorkerKeys, storeWorkerKeys } from "./worker-keys.ts";

/**
 * Makes new keys beside those that the worker uses, or its oldest if it has used none; all others end. Until a report comes signed with the
 * new one, Central signs with that old key, which the new key file holds too.
 */
export async function rotateWorkerKey(
  pool: pg.Pool,
  secretKey: Buffer,
  id: string,
  actor: Actor,
): Promise<{ row: WorkerRow; keyFile: string }> {
  const keys = createWorkerKeys(id.slice(0, 32).replace(/[^a-z0-9-]/g, ""));
  return withTransaction(pool, async (client) => {
    const found = await lockWorker(client, id, actor.environment);
    if (found === undefined) throw workerNotFound(id);
    const inUse = await selectKeyInUse(client, id);
    await retireOtherKeys(client, id, inUse?.createdAt);
    await storeWorkerKeys(client, secretKey, id, keys);
    await touchWorkerVersion(client, id);
    const row = (await selectWorker(client, id, undefined)) ?? found.row;
    const written = { method: "RotateWorkerKey", resource: `workers/${row.id}`, environment: row.environment };
    const change = { before: workerMessage(found.row), after: workerMessage(row) };
    await audit(client, actor, written, { schema: WorkerSchema, ...change });
    const verify = [keys.toWorker];
    if (inUse !== undefined) verify.push({ kid: inUse.kid, key: openSecret(secretKey, inUse.sealed) });
    return { row, keyFile: formatWorkerKeyFile({ worker: id, sign: keys.toCentral, verify }) };
  });
}
