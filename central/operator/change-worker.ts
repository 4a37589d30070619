import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { UpdateWorkerRequestSchema, WorkerSchema, type Worker } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { canonicalEndpoint, checkWorker } from "./check-worker.ts";
import { checkEtag } from "./etag.ts";
import { workerMessage } from "./messages.ts";
import { workerNotFound } from "./not-found.ts";
import type { WorkerRow } from "./rows.ts";
import { addDispatchJobs } from "./sql/add-jobs-of-environment.ts";
import { lockWorker } from "./sql/lock-worker.ts";
import { selectWorker } from "./sql/select-workers.ts";
import { updateEnabledWorker, updateWorkerDraining, updateWorkerEndpoint } from "./sql/update-worker.ts";
import { refuseViolations } from "./violation.ts";

export const workerPaths = ["endpoint"] as const;

type Change = (client: pg.ClientBase, row: WorkerRow, environmentId: bigint) => Promise<"changed" | "unchanged">;

export async function updateWorker(pool: pg.Pool, worker: Worker, actor: Actor): Promise<WorkerRow> {
  refuseViolations(UpdateWorkerRequestSchema, checkWorker(worker));
  const endpoint = canonicalEndpoint(worker.endpoint);
  return changeWorker(pool, { method: "UpdateWorker", id: worker.id, etag: worker.etag, actor }, async (client, row) => {
    if (row.endpoint === endpoint) return "unchanged";
    await updateWorkerEndpoint(client, row.id, endpoint);
    return "changed";
  });
}

/** A worker that is not enabled gets no builds; what it has it serves on, and removals still reach it. */
export async function disableWorker(pool: pg.Pool, request: { id: string; etag: string }, actor: Actor): Promise<WorkerRow> {
  return changeWorker(pool, { method: "DisableWorker", ...request, actor }, async (client, row, environmentId) => {
    if (!row.enabled) return "unchanged";
    await updateEnabledWorker(client, environmentId, undefined);
    return "changed";
  });
}

export async function drainWorker(
  pool: pg.Pool,
  request: { id: string; draining: boolean; etag: string },
  actor: Actor,
): Promise<WorkerRow> {
  return changeWorker(pool, { method: "DrainWorker", ...request, actor }, async (client, row, environmentId) => {
    if (row.draining === request.draining) return "unchanged";
    if (!row.enabled) {
      const message = `the worker ${row.id} is not enabled, so it gets no builds to hold back`;
      throw reasonError(Code.FailedPrecondition, "worker_not_enabled", message);
    }
    await updateWorkerDraining(client, row.id, request.draining);
    if (!request.draining) await addDispatchJobs(client, environmentId);
    return "changed";
  });
}

async function changeWorker(
  pool: pg.Pool,
  o: { method: string; id: string; etag: string; actor: Actor },
  change: Change,
): Promise<WorkerRow> {
  return withTransaction(pool, async (client) => {
    const found = await lockWorker(client, o.id, o.actor.environment);
    if (found === undefined) throw workerNotFound(o.id);
    checkEtag(o.etag, found.row, `the worker ${o.id}`);
    if ((await change(client, found.row, found.environmentId)) === "unchanged") return found.row;
    const row = (await selectWorker(client, o.id, undefined)) ?? found.row;
    const written = { method: o.method, resource: `workers/${row.id}`, environment: row.environment };
    const messages = { before: workerMessage(found.row), after: workerMessage(row) };
    await audit(client, o.actor, written, { schema: WorkerSchema, ...messages });
    return row;
  });
}
