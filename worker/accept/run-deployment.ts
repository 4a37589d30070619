import { create } from "@bufbuild/protobuf";
import { errorMessage } from "#common/error-details.ts";
import { failpoint } from "#common/failpoint.ts";
import type { Logger } from "#common/logger.ts";
import { traced } from "#common/telemetry/traced.ts";
import { ReportStatusRequestSchema, type ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { DeploymentState, EgressDestinationSchema, SiteType, Stage } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { deploy, type DeployDependencies, type Progress } from "#worker/accept/deploy.ts";
import { describeFailure, failureLimit } from "#worker/accept/describe-failure.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import { Stopped } from "#worker/accept/stopped.ts";
import { markReported } from "#worker/accept/mark-reported.ts";
import { createMasker, type Masker } from "#worker/mask/create-masker.ts";
import { cleanText } from "#worker/report/clean-line.ts";
import { createReporter, type Reporter, type SendReport } from "#worker/report/create-reporter.ts";

/**
 * One deployment from its acceptance to its last report. How it ended is stored before it is reported, so that it can be reported again.
 */
export async function runDeployment(
  o: DeployDependencies & { send: SendReport; background: (work: Promise<void>) => void; log: Logger },
  request: BuildRequest,
  controller: AbortController,
): Promise<void> {
  const { siteId, generation, deploymentId } = request;
  const log = o.log.child({ site: String(siteId), generation: String(generation), deployment: String(deploymentId) });
  const masker = createMasker([request.cloneToken, ...request.variables.map(({ value }) => value)]);
  const reporter = createReporter({
    send: o.send,
    siteId,
    generation,
    deploymentId,
    state: DeploymentState.DISPATCHED,
    masker,
    onCancel: () => controller.abort(new Stopped("canceled", "Central ordered the end")),
    onLost: (message) => controller.abort(new Stopped("lease_lost", message)),
  });
  const progress = trackProgress(reporter, masker, log);
  const started = performance.now();
  let finished: ReportStatusRequest | undefined;
  let after: (() => Promise<void>) | undefined;
  try {
    const attributes = { "catapult.deployment": String(deploymentId), "catapult.site": String(siteId) };
    const done = await traced("deployment", { attributes }, async () => deploy(o, request, progress, controller.signal));
    after = done.after;
    finished = create(ReportStatusRequestSchema, {
      state: DeploymentState.SUCCEEDED,
      url: request.url,
      release: done.release,
      imageId: progress.imageId,
      siteType: progress.siteType,
      releaseFiles: BigInt(done.files),
      releaseBytes: BigInt(done.bytes),
    });
  } catch (error) {
    finished = describeEnd(error, controller.signal, progress, log);
  }
  if (finished === undefined) await reporter.stop();
  else {
    const egress = ((await progress.egress) ?? []).map((each) => create(EgressDestinationSchema, each));
    const last: ReportStatusRequest = {
      ...finished,
      siteId,
      generation,
      deploymentId,
      stageTimings: reporter.timings(),
      egress,
    };
    // A disk that takes no word must not keep Central from hearing it: the reports would go on, and with them the lease.
    await storeEnd(o.store, last).catch((err: unknown) => log.error({ err }, "how a deployment ended could not be stored"));
    log.info(
      { state: DeploymentState[last.state], reason: last.failure?.reason, ms: Math.round(performance.now() - started) },
      "deployment ended",
    );
    // The slot is held until the sandbox is gone, the report may take longer.
    o.background(
      failpoint("report.before-final")
        .then(() => reporter.finish(last))
        .then(() => markReported(o.store, last)),
    );
  }
  await after?.().catch((err: unknown) => log.warn({ err }, "tidying up after a deployment failed"));
}

function trackProgress(reporter: Reporter, masker: Masker, log: Logger): Progress {
  return {
    stage: Stage.CLONE,
    imageId: "",
    siteType: SiteType.UNSPECIFIED,
    masker,
    line: (text) => reporter.line(text),
    confirm: async () => reporter.confirm(),
    confirmedWithin: (ms) => reporter.confirmedWithin(ms),
    warn: (err, message) => log.warn({ err }, message),
    addTiming: (stage, ms) => reporter.addTiming(stage, ms),
    async run(stage, state, work) {
      this.stage = stage;
      reporter.setState(state);
      const began = performance.now();
      try {
        return await traced(Stage[stage].toLowerCase(), {}, work);
      } finally {
        reporter.addTiming(stage, performance.now() - began);
      }
    },
  };
}

/** Undefined: there is nobody to tell. */
function describeEnd(error: unknown, signal: AbortSignal, progress: Progress, log: Logger): ReportStatusRequest | undefined {
  const stopped: unknown = signal.aborted ? signal.reason : error;
  if (stopped instanceof Stopped) {
    log.info({ why: stopped.why }, "deployment was stopped");
    if (stopped.why === "lease_lost") return undefined;
    const handedBack = stopped.why === "shutdown";
    const state = handedBack || stopped.why === "canceled" ? DeploymentState.CANCELED : DeploymentState.SUPERSEDED;
    return create(ReportStatusRequestSchema, { state, handedBack, imageId: progress.imageId, siteType: progress.siteType });
  }
  const { failure, own } = describeFailure(error, progress.stage);
  if (own) log.error({ err: error }, "deployment failed by a fault of this worker");
  // Both may quote names of files and what programs said. Masked before the line is taken: a secret may have more than one.
  const message = cleanText(errorMessage(error), progress.masker, failureLimit);
  progress.line(`${failure.reason}: ${message.split("\n")[0]}`);
  return create(ReportStatusRequestSchema, {
    state: DeploymentState.FAILED,
    failure: { ...failure, message: cleanText(failure.message, progress.masker, failureLimit) },
    imageId: progress.imageId,
    siteType: progress.siteType,
  });
}

async function storeEnd(store: SiteStore, last: ReportStatusRequest): Promise<void> {
  await store.withLock(last.siteId, async () => {
    const state = store.get(last.siteId);
    if (state?.generation !== last.generation || state.removal !== undefined) return;
    await store.put({ ...state, finished: last, unreported: true, changedAt: Date.now() });
  });
}
