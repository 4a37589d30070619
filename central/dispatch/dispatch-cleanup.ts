import { Code, ConnectError } from "@connectrpc/connect";
import { withTransaction } from "#central/database/with-transaction.ts";
import { finishRemoval } from "#central/deployment/finish-removal.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { retryDelayMs } from "./delays.ts";
import type { DispatchContext } from "./dispatch-context.ts";
import { compareSoon } from "./sql/compare-soon.ts";
import type { Work } from "./sql/select-work.ts";
import { touchWorker } from "./sql/touch-worker.ts";

/** How long the report of a removal may take before the worker is asked again. */
const reportMs = 30_000;

/** Asks the worker that has a site's files to remove them. A site that never reached a worker is gone already. */
export async function dispatchCleanup(o: DispatchContext, work: Work, attempt: number): Promise<void> {
  const site = { id: work.siteId, generation: work.generation };
  if (work.siteWorker === null) {
    await withTransaction(o.pool, async (client) => finishRemoval(client, site));
    return;
  }
  const next = await askWorker(o, work, work.siteWorker, attempt);
  await withTransaction(o.pool, async (client) => {
    if (next === "done") await finishRemoval(client, site);
    else await addJob(client, { task: "dispatch", siteId: work.siteId, ...next });
  });
}

async function askWorker(
  o: DispatchContext,
  work: Work,
  worker: { id: string; endpoint: string },
  attempt: number,
): Promise<"done" | { attempt: number; delayMs: number }> {
  try {
    const answer = await o.workers.get(worker).cleanup({ siteId: work.siteId, generation: work.generation, host: work.host });
    await touchWorker(o.pool, worker.id);
    o.log.info({ worker: worker.id, outcome: Outcome[answer.outcome] }, "removal handed over");
    if (answer.outcome === Outcome.ALREADY_DONE) return "done";
    if (answer.outcome === Outcome.ACCEPTED) return { attempt: 0, delayMs: reportMs };
    if (answer.outcome === Outcome.SUPERSEDED) {
      o.log.error(
        { worker: worker.id },
        "the worker knows a higher generation of this site than Central: was the database restored? Its sites are compared",
      );
      await compareSoon(o.pool, worker.id);
    }
    return { attempt: attempt + 1, delayMs: retryDelayMs(attempt) };
  } catch (err) {
    const details = { err, worker: worker.id, attempt };
    if (ConnectError.from(err).code === Code.FailedPrecondition) o.log.error(details, "the worker refuses a removal");
    else o.log.warn(details, "a removal could not be handed over");
    return { attempt: attempt + 1, delayMs: retryDelayMs(attempt) };
  }
}
