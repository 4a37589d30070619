import { SiteKind, Stage, DeploymentState as State, type SiteType } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { DeploymentFailure, failPlan, failSandbox } from "#worker/accept/describe-failure.ts";
import { fromSiteType, toSiteType } from "#worker/accept/site-types.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import { planBuild } from "#worker/build/plan-build.ts";
import { runBuild, type Builder, type BuildOutput } from "#worker/build/run-build.ts";
import type { Masker } from "#worker/mask/create-masker.ts";
import type { Clone } from "#worker/clone/fetch-commit.ts";
import { collectReleases, type Keep } from "#worker/publish/collect-releases.ts";
import { findRelease, publishRelease, type Published } from "#worker/publish/publish-release.ts";
import { formatReleaseName } from "#worker/publish/release-name.ts";
import type { Egress } from "#worker/sandbox/parse-egress.ts";
import type { OutputLimits } from "#worker/publish/unpack-output.ts";
import type { Router } from "#worker/route/create-router.ts";
import { makeLive } from "#worker/route/make-live.ts";

export type Progress = {
  stage: Stage;
  imageId: string;
  siteType: SiteType;
  masker: Masker;
  /** Where the build's packets went; it never rejects. */
  egress?: Promise<readonly Egress[] | undefined>;
  line(text: string): void;
  /** Settles when Central was heard of once more, or is not listened to any more. */
  confirm(): Promise<void>;
  /** Whether Central wanted this deployment less than so long ago. */
  confirmedWithin(ms: number): boolean;
  addTiming(stage: Stage, ms: number): void;
  /** What went wrong beside the deployment and does not decide it. */
  warn(err: unknown, message: string): void;
  /** Names the stage, reports its state and times it. */
  run<T>(stage: Stage, state: State, work: () => Promise<T>): Promise<T>;
};

export type DeployDependencies = {
  store: SiteStore;
  router: Router;
  builder: Builder;
  /** Fetches the request's commit and revokes its token, whatever comes of it. */
  clone: (request: BuildRequest, signal: AbortSignal) => Promise<Clone>;
  sitesDir: string;
  outputLimits: OutputLimits;
  keep: Keep;
  routeTimeoutMs: number;
};

/** Beyond any answer's usual time; a process that was stopped for longer asks again before it switches. */
export const permitMs = 3_000;

export type Deployed = {
  release: string;
  files: number;
  bytes: number;
  /** What need not be waited for. */ after: () => Promise<void>;
};

/** clone → build → publish → route. A release that exists, by rollback or after a crash, needs only the last. */
export async function deploy(
  o: DeployDependencies,
  request: BuildRequest,
  progress: Progress,
  signal: AbortSignal,
): Promise<Deployed> {
  const { siteId, generation } = request;
  const release = request.release === "" ? formatReleaseName(generation, request.commit) : request.release;
  const existing = await findRelease(o.sitesDir, siteId, release);
  const newestMtime = o.store.get(siteId)?.newestMtime ?? 0;
  if (existing === undefined && request.release !== "") {
    throw new DeploymentFailure(
      Stage.PUBLISH,
      "release_missing",
      `release ${release} is not kept any more; deploy its commit anew`,
    );
  }
  const made =
    existing === undefined
      ? await buildAndPublish(o, request, release, newestMtime, progress, signal)
      : { published: { manifest: existing, newestMtime }, after: async () => undefined };
  const { manifest } = made.published;
  try {
    await progress.run(Stage.ROUTE, State.PUBLISHING, () =>
      makeLive(o, {
        siteId,
        generation,
        host: request.host,
        kind: request.kind === SiteKind.PRODUCTION ? "production" : "preview",
        release,
        newestMtime: made.published.newestMtime,
        permit: {
          async ask() {
            await progress.confirm();
            signal.throwIfAborted();
          },
          holds() {
            signal.throwIfAborted();
            return progress.confirmedWithin(permitMs);
          },
        },
      }),
    );
  } catch (error) {
    await made.after();
    throw error;
  }
  return {
    release,
    files: manifest.files.length,
    bytes: manifest.bytes,
    async after() {
      await made.after();
      await o.store.withLock(siteId, async () => {
        const live = o.store.get(siteId)?.live;
        if (live !== undefined) await collectReleases(o.sitesDir, siteId, live.release, o.keep);
      });
    },
  };
}

async function buildAndPublish(
  o: DeployDependencies,
  request: BuildRequest,
  release: string,
  newestMtime: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ published: Published; after: () => Promise<void> }> {
  const clone = await progress.run(Stage.CLONE, State.CLONING, () => o.clone(request, signal));
  let output: Extract<BuildOutput, { ok: true }> | undefined;
  const tidy = async (): Promise<void> => {
    const ended = await Promise.allSettled([clone.remove(), output?.release()]);
    for (const end of ended) if (end.status === "rejected") progress.warn(end.reason, "tidying up after a build failed");
  };
  try {
    const planned = await progress.run(Stage.DETECT, State.BUILDING, async () => {
      const plan = await planBuild(
        clone,
        {
          siteType: fromSiteType(request.siteType),
          buildCommand: request.buildCommand,
          outputDir: request.outputDir,
          rootDir: request.rootDir,
        },
        signal,
      );
      if (!plan.ok) throw failPlan(plan.failure);
      return plan.value;
    });
    progress.siteType = toSiteType(planned.plan.siteType);
    const built = await progress.run(Stage.BUILD, State.BUILDING, async () => {
      const { masker } = progress;
      const onLine = (line: string): void => progress.line(line);
      const result = await runBuild(o.builder, { request, clone, planned, masker, onLine, signal });
      progress.imageId = result.imageId;
      if (result.egress !== undefined) progress.egress = result.egress;
      if (!result.ok) throw failSandbox(result.failure);
      return result;
    });
    output = built;
    if (built.timings !== undefined) progress.addTiming(Stage.SANDBOX, built.timings.prepareMs + built.timings.putMs);
    const live = o.store.get(request.siteId)?.live?.release;
    const published = await progress.run(Stage.PUBLISH, State.PUBLISHING, () =>
      publishRelease({
        sitesDir: o.sitesDir,
        siteId: request.siteId,
        release,
        ...(live === undefined ? {} : { previous: live }),
        newestMtime,
        tar: () => built.tar,
        limits: o.outputLimits,
        signal,
      }),
    );
    return {
      published,
      async after() {
        try {
          await built.saveCache();
        } catch (error) {
          progress.warn(error, "the packages could not be kept for the next build");
        }
        await tidy();
      },
    };
  } catch (error) {
    await tidy();
    throw error;
  }
}
