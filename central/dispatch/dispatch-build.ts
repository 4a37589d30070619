import { Code, ConnectError } from "@connectrpc/connect";
import { failpoint } from "#common/failpoint.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { mintCloneToken } from "#central/github/mint-clone-token.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { revokeToken } from "#central/github/revoke-token.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { parseReason } from "#central/readiness/parse-reason.ts";
import { setReadiness } from "#central/readiness/sql/set-readiness.ts";
import { Outcome } from "#gen/catapult/v1/worker_service_pb.js";
import { createBuildRequest } from "./build-request.ts";
import { attemptsUntilTold, retryDelayMs } from "./delays.ts";
import { openBuildVariables } from "./open-build-variables.ts";
import type { DispatchContext } from "./dispatch-context.ts";
import { compareSoon } from "./sql/compare-soon.ts";
import { handBack, type Waiting } from "./sql/hand-back.ts";
import { markDispatched } from "./sql/mark-dispatched.ts";
import type { Deployment, Work } from "./sql/select-work.ts";
import { supersedeDeployment } from "./sql/supersede-deployment.ts";
import { touchWorker } from "./sql/touch-worker.ts";

type Build = Work & { deployment: Deployment };

/** A busy worker is asked again at once when a deployment of its environment ends; this is for when nothing ends. */
const busyMs = 5_000;
const noWorkerMs = 15_000;
/** The same: when one of the repository's deployments ends, the next one is handed over at once. */
const repositoryBusyMs = 10_000;

/** With these a worker says that it did not take the build. All else may be an answer that was lost on its way: a reset is 'aborted'. */
const refusals: ReadonlySet<Code> = new Set([
  Code.FailedPrecondition,
  Code.InvalidArgument,
  Code.NotFound,
  Code.PermissionDenied,
  Code.ResourceExhausted,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

export async function dispatchBuild(o: DispatchContext, work: Build, job: { attempt: number; again: boolean }): Promise<void> {
  const { deployment, enabledWorker: worker } = work;
  const resend = job.again && deployment.state === "dispatched";
  if (deployment.state !== "queued" && !resend) return;
  if (worker === null) {
    await postpone(o, work, { waiting: "no_worker", attempt: 0, delayMs: noWorkerMs });
    return;
  }
  // A release that exists is made live without a clone or a build: it needs no token and takes no slot.
  const builds = deployment.fromRelease === null;
  if (builds && !resend && work.workerDraining) {
    await postpone(o, work, { waiting: "not_ready", attempt: 0, delayMs: noWorkerMs });
    return;
  }
  if (builds && !resend && work.repositoryBusy) {
    await postpone(o, work, { waiting: "repository_busy", attempt: 0, delayMs: repositoryBusyMs });
    return;
  }
  // Before there is a token: a key that does not fit ends this job, and it is tried again.
  const variables = builds ? await openBuildVariables(o, work.siteId, deployment) : [];
  let token = "";
  try {
    if (builds) token = await mintCloneToken(o.github, work);
  } catch (error) {
    o.log.warn({ err: error }, "no clone token could be made");
    const asked = error instanceof GitHubError ? error.retryAfterMs : undefined;
    await postpone(o, work, { waiting: "github", attempt: job.attempt + 1, delayMs: asked ?? retryDelayMs(job.attempt) });
    return;
  }
  const { id: deploymentId } = deployment;
  await failpoint("dispatch.before-build");
  const marked = await markDispatched(o.pool, { ...work, deploymentId, workerId: worker.id, resend, takesSlot: builds });
  const used = marked === "dispatched" && (await callWorker(o, work, worker, { token, variables }, job.attempt));
  if (marked === "repository_busy")
    await postpone(o, work, { waiting: "repository_busy", attempt: 0, delayMs: repositoryBusyMs });
  // A worker that took the build revokes its token itself. Of one whose answer was lost nobody knows: the token ends within the hour.
  if (!used && token !== "")
    await revokeToken(o.github, token).catch((err: unknown) => o.log.debug({ err }, "an unused clone token was not revoked"));
}

/** Answers whether the worker has, or may have, the token. */
async function callWorker(
  o: DispatchContext,
  work: Build,
  worker: { id: string; endpoint: string },
  secrets: { token: string; variables: { name: string; value: string }[] },
  attempt: number,
): Promise<boolean> {
  try {
    const request = createBuildRequest(work, work.deployment, secrets.token, secrets.variables);
    const answer = await o.workers.get(worker).build(request);
    await failpoint("dispatch.after-build");
    await touchWorker(o.pool, worker.id);
    o.log.info({ worker: worker.id, outcome: Outcome[answer.outcome] }, "build handed over");
    if (answer.outcome === Outcome.ACCEPTED) {
      if (work.workerNotReady) await setReadiness(o.pool, worker.id, null);
      return true;
    }
    if (answer.outcome === Outcome.BUSY) {
      await postpone(o, work, { waiting: "busy", attempt: 0, delayMs: busyDelayMs(answer.retryAfter) });
    } else if (answer.outcome === Outcome.SUPERSEDED) await recordSuperseded(o, work, worker.id);
    // ALREADY_DONE: the result is reported again, under the lease that this dispatch began.
    return false;
  } catch (err) {
    o.log.warn({ err, worker: worker.id, attempt }, "a build could not be handed over");
    const refusal = ConnectError.from(err);
    const { code } = refusal;
    const notReady = code === Code.FailedPrecondition || code === Code.ResourceExhausted;
    if (notReady) await setReadiness(o.pool, worker.id, parseReason(refusal.rawMessage));
    const waiting = notReady ? "not_ready" : "unreachable";
    await postpone(o, work, { waiting, attempt: attempt + 1, delayMs: retryDelayMs(attempt) });
    return !refusals.has(code);
  }
}

function busyDelayMs(retryAfter: { seconds: bigint; nanos: number } | undefined): number {
  if (retryAfter === undefined) return busyMs;
  return Math.min(Math.max(Number(retryAfter.seconds) * 1000 + retryAfter.nanos / 1e6, 500), 60_000);
}

/** Back in the queue, tried again later; the pull request is told once why it waits. */
async function postpone(
  o: DispatchContext,
  work: Build,
  wait: { waiting: Waiting; attempt: number; delayMs: number },
): Promise<void> {
  await withTransaction(o.pool, async (client) => {
    const told = wait.attempt >= attemptsUntilTold || ["no_worker", "not_ready", "repository_busy"].includes(wait.waiting);
    if ((await handBack(client, work.deployment.id, wait.waiting, told)) === "gone") return;
    await addJob(client, { task: "dispatch", siteId: work.siteId, attempt: wait.attempt, delayMs: wait.delayMs });
    if (told && work.kind === "preview") await addJob(client, { task: "comment", siteId: work.siteId });
  });
}

/**
 * The worker knows a higher generation of this site than Central: the database was restored from a time before it. Only the worker can say which,
 * so its sites are compared with the tables soon; that raises the site's generation above it and deploys the commit again.
 */
async function recordSuperseded(o: DispatchContext, work: Build, workerId: string): Promise<void> {
  o.log.error(
    "the worker knows a higher generation of this site than Central: was the database restored? Its sites are compared",
  );
  await withTransaction(o.pool, async (client) => {
    if (!(await supersedeDeployment(client, work.deployment.id))) return;
    await compareSoon(client, workerId);
    if (work.kind === "preview") await addJob(client, { task: "comment", siteId: work.siteId });
  });
}
