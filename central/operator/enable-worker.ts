import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { checkEtag } from "./etag.ts";
import { workerMessage } from "./messages.ts";
import { workerNotFound } from "./not-found.ts";
import type { WorkerRow } from "./rows.ts";
import { addDispatchJobs } from "./sql/add-jobs-of-environment.ts";
import { lockWorker } from "./sql/lock-worker.ts";
import { moveSites } from "./sql/move-sites.ts";
import { selectEnabledWorker, selectWorker } from "./sql/select-workers.ts";
import { updateEnabledWorker } from "./sql/update-worker.ts";

/**
 * Gives an environment's work to a worker. What the one before it runs is superseded by the new generations, which its reports are answered with;
 * what it serves it goes on serving.
 */
export async function enableWorker(
  pool: pg.Pool,
  request: { id: string; etag: string },
  actor: Actor,
): Promise<{ row: WorkerRow; sitesToDeploy: number }> {
  return withTransaction(pool, async (client) => {
    const found = await lockWorker(client, request.id, actor.environment);
    if (found === undefined) throw workerNotFound(request.id);
    checkEtag(request.etag, found.row, `the worker ${request.id}`);
    if (found.row.enabled) return { row: found.row, sitesToDeploy: 0 };
    const { environmentId } = found;
    const replaced = await selectEnabledWorker(client, environmentId);
    await updateEnabledWorker(client, environmentId, request.id);
    const moved = await moveSites(client, { environmentId, workerId: request.id, requestedBy: actor.name });
    for (const { id, kind } of moved) {
      await addJob(client, { task: "dispatch", siteId: id });
      if (kind === "preview") await addJob(client, { task: "comment", siteId: id });
    }
    await addDispatchJobs(client, environmentId);
    if (replaced !== undefined) await auditEnabling(client, actor, replaced);
    return { row: await auditEnabling(client, actor, found.row), sitesToDeploy: moved.length };
  });
}

/** Each of the two workers has an entry: whoever looks for the one finds why it changed. */
async function auditEnabling(client: pg.ClientBase, actor: Actor, before: WorkerRow): Promise<WorkerRow> {
  const row = (await selectWorker(client, before.id, undefined)) ?? before;
  const written = { method: "EnableWorker", resource: `workers/${row.id}`, environment: row.environment };
  await audit(client, actor, written, { schema: WorkerSchema, before: workerMessage(before), after: workerMessage(row) });
  return row;
}
