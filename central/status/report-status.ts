import { Code, type ConnectError } from "@connectrpc/connect";
import type { ClientBase, Pool } from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import type { Logger } from "#common/logger.ts";
import { finishRemoval } from "#central/deployment/finish-removal.ts";
import { evictSite } from "#central/deployment/evict-site.ts";
import { insertSuccessor } from "#central/deployment/sql/insert-successor.ts";
import { removeLeaving } from "#central/deployment/remove-leaving.ts";
import { restoreSite } from "#central/deployment/restore-site.ts";
import { invalidField } from "#common/rpc/invalid-field.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { siteUrl } from "#central/dispatch/site-url.ts";
import { countRepair } from "#central/reconcile/count-repair.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { DeploymentState } from "#gen/catapult/v1/deployment_pb.js";
import type { ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { readResult } from "./read-result.ts";
import { finishDeployment } from "./sql/finish-deployment.ts";
import { insertEgress } from "./sql/insert-egress.ts";
import { lockDeployment, type ReportedDeployment } from "./sql/lock-deployment.ts";
import { lockRemoval } from "./sql/lock-removal.ts";
import { needsNewToken } from "./sql/needs-new-token.ts";
import { selectQueuedSites } from "./sql/select-queued-sites.ts";
import { setLive } from "./sql/set-live.ts";
import { updateRunning } from "./sql/update-running.ts";
import { type FinalState, isForward, isRunning, reportedState, type RunningState } from "./states.ts";
import { storeLog } from "./store-log.ts";

export type EndedDeployment = { state: FinalState; stageTimings: Record<string, number> };

export type ReportAnswer = {
  acknowledgedLogLine: bigint;
  cancel: boolean;
  /** This report ended its deployment; a repeat of it does not. */
  ended?: EndedDeployment;
};

/** How many waiting sites are tried when a slot comes free: workers have a handful. */
const kicked = 8;

/** Takes one report of a worker: stores its log, renews its lease, moves its deployment forward, in one transaction. */
export async function reportStatus(
  o: { pool: Pool; log: Logger },
  workerId: string,
  report: ReportStatusRequest,
): Promise<ReportAnswer> {
  return withTransaction(o.pool, async (client) =>
    report.siteRemoved ? reportRemoval(client, o.log, workerId, report) : reportDeployment(client, workerId, report),
  );
}

async function reportDeployment(client: ClientBase, workerId: string, report: ReportStatusRequest): Promise<ReportAnswer> {
  const deployment = await lockDeployment(client, { ...report, workerId });
  if (deployment === undefined) throw notFound(report);
  const state = reportedState(report.state);
  if (state === undefined) throw invalidField("state", "not a state that a worker reports");
  checkUrl(report, deployment);
  if (deployment.state === "lost") {
    throw reasonError(Code.FailedPrecondition, "lease_lost", "the lease of this deployment ended; stop the work");
  }
  const wanted = deployment.state === "queued" || isRunning(deployment.state);
  const acknowledgedLogLine = await storeLog(client, report, { isOver: !wanted });
  let ended: EndedDeployment | undefined;
  if (isForward(deployment.state, state)) ended = await moveOn(client, deployment, state, report);
  else if (isRunning(deployment.state)) await updateRunning(client, deployment.id, undefined);
  else if (deployment.state === "superseded" && state === "succeeded") await recordLateSuccess(client, deployment, report);
  // For deployments too that something newer took the place of: their packets went out all the same.
  if (!isRunningState(state)) {
    await insertEgress(client, deployment.id, report.egress);
    await kickQueued(client, deployment.environmentId);
  }
  return {
    acknowledgedLogLine,
    cancel: (!wanted || deployment.cancelRequested) && isRunningState(state),
    ...(ended === undefined ? {} : { ended }),
  };
}

async function moveOn(
  client: ClientBase,
  deployment: ReportedDeployment,
  state: NonNullable<ReturnType<typeof reportedState>>,
  report: ReportStatusRequest,
): Promise<EndedDeployment | undefined> {
  if (isRunningState(state)) {
    await updateRunning(client, deployment.id, state);
    return undefined;
  }
  const result = readResult(state, report);
  if (!(await finishDeployment(client, deployment.id, result))) return undefined;
  if (state === "succeeded") await putLive(client, deployment, report);
  // What a stopping worker gives back was not at fault: it does not count as lost, however often that happens.
  const again = report.handedBack || (await needsNewToken(client, deployment.id));
  if (again && !deployment.cancelRequested && (await insertSuccessor(client, deployment)))
    await addJob(client, { task: "dispatch", siteId: deployment.siteId });
  if (deployment.kind === "preview") await addJob(client, { task: "comment", siteId: deployment.siteId });
  return result;
}

/** What its config had the site at before is not served longer than this. */
async function putLive(client: ClientBase, deployment: ReportedDeployment, report: ReportStatusRequest): Promise<void> {
  if (await setLive(client, { ...report, deploymentId: deployment.id })) await removeLeaving(client, deployment.siteId);
}

/** A slot is free, at the worker and of the repository. */
async function kickQueued(client: ClientBase, environmentId: bigint): Promise<void> {
  for (const siteId of await selectQueuedSites(client, environmentId, kicked)) await addJob(client, { task: "dispatch", siteId });
}

function isRunningState(state: string): state is RunningState {
  return isRunning(state);
}

/** The worker switched to a release just before it could hear of a newer one: that release is what the site serves until then. */
async function recordLateSuccess(client: ClientBase, deployment: ReportedDeployment, report: ReportStatusRequest): Promise<void> {
  if (!(await finishDeployment(client, deployment.id, readResult("superseded", report)))) return;
  await putLive(client, deployment, report);
  if (deployment.kind === "preview") await addJob(client, { task: "comment", siteId: deployment.siteId });
}

async function reportRemoval(
  client: ClientBase,
  log: Logger,
  workerId: string,
  report: ReportStatusRequest,
): Promise<ReportAnswer> {
  const { siteId, generation } = report;
  const site = await lockRemoval(client, siteId, workerId);
  if (site === undefined) throw notFound(report);
  if (report.evicted) {
    const became = await evictSite(client, siteId, generation);
    if (became === "evicted") await countRepair(client, "preview_evicted");
    log.warn({ worker: workerId, site: siteId.toString(), generation: generation.toString(), became }, "a worker made room");
    // A production site is never given up for room: what a worker removed of it is brought back, below.
    if (became !== "ignored" || site.kind === "preview") return { acknowledgedLogLine: 0n, cancel: false };
  }
  const finished = await finishRemoval(client, { id: siteId, generation });
  // A report of a removal that a newer wanted generation followed is late, and one of a site that is removed is a repeat.
  if (!finished && site.state === "wanted" && generation >= site.generation) {
    const restored = await restoreSite(client, { id: siteId, removedAt: generation });
    log.error(
      {
        worker: workerId,
        site: siteId.toString(),
        generation: generation.toString(),
        restoredAs: restored?.generation.toString(),
        commit: restored?.commit,
      },
      restored === undefined
        ? "a worker removed a site that Central did not ask it to remove, and the site has nothing to deploy again; push to it"
        : "a worker removed a site that Central did not ask it to remove; its commit is deployed again",
    );
  }
  return { acknowledgedLogLine: 0n, cancel: false };
}

/** Central computes every URL itself; a worker that says another one is broken or lies. */
function checkUrl(report: ReportStatusRequest, deployment: ReportedDeployment): void {
  const expected = siteUrl(deployment.sitesUrl, deployment.host);
  if (report.url === expected || (report.url === "" && report.state !== DeploymentState.SUCCEEDED)) return;
  throw invalidField("url", `the site's URL is ${expected}`);
}

function notFound(report: ReportStatusRequest): ConnectError {
  const what = report.siteRemoved ? `site ${report.siteId}` : `deployment ${report.deploymentId} of site ${report.siteId}`;
  const reason = report.siteRemoved ? "site_not_found" : "deployment_not_found";
  return reasonError(Code.NotFound, reason, `${what} at generation ${report.generation} is not this worker's`);
}
