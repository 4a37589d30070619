import type { Readable } from "node:stream";
import type Dockerode from "dockerode";
import { SiteKind, Trust } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { cacheKey, type CacheStore } from "#worker/build/cache-store.ts";
import type { PlannedBuild } from "#worker/build/plan-build.ts";
import { withinDeadline } from "#worker/build/within-deadline.ts";
import type { Clone } from "#worker/clone/fetch-commit.ts";
import { archiveCommit, archiveTree } from "#worker/clone/read-tree.ts";
import type { Masker } from "#worker/mask/create-masker.ts";
import type { Egress } from "#worker/sandbox/parse-egress.ts";
import type { BuildLimits } from "#worker/sandbox/limits.ts";
import type { SandboxFailure, SandboxRequest, SandboxResult, SandboxTimings } from "#worker/sandbox/sandbox-types.ts";

/**
 * 247 MiB in 8,000 files took 7 s out of Podman on two cores at a load of 12, so that the largest cache takes 29 s there. What comes next for
 * the site ends this at once; the deadline is for a Podman that stopped giving, as the slot is held meanwhile.
 */
const saveDeadlineMs = 60_000;

export type Builder = {
  podman: Dockerode;
  imageReference: string;
  limits: BuildLimits;
  dns: string[];
  caFile?: string;
  seccompProfile?: string;
  networkName: string;
  caches: CacheStore;
  maxSourceBytes: number;
  runInSandbox: (request: SandboxRequest) => Promise<SandboxResult>;
};

/** Where the build's packets went, once that is known; nothing ran, nothing went anywhere. It never rejects. */
type WithEgress = { egress?: Promise<readonly Egress[] | undefined> };

export type BuildOutput =
  | (WithEgress & {
      ok: true;
      imageId: string;
      /** Untrusted. */
      tar: Readable;
      timings?: SandboxTimings;
      /** Keeps the packages for the next build, if nobody waits for the end of this one; after the output was read. */
      saveCache(): Promise<void>;
      release(): Promise<void>;
    })
  | (WithEgress & { ok: false; imageId: string; failure: SandboxFailure });

/** Gets a site's files: from the tree itself where nothing is run, else from the sandbox. */
export async function runBuild(
  builder: Builder,
  o: {
    request: BuildRequest;
    clone: Clone;
    planned: PlannedBuild;
    masker: Masker;
    onLine: (line: string) => void;
    signal: AbortSignal;
  },
): Promise<BuildOutput> {
  const { plan, packagesId, shellId } = o.planned;
  if (plan.command === "") {
    const folder = [plan.rootDir, plan.outputDir].filter((part) => part !== "").join("/");
    const tar = await archiveTree(o.clone, folder, builder.maxSourceBytes, o.signal);
    return { ok: true, imageId: "", tar, saveCache: async () => undefined, release: async () => void tar.destroy() };
  }
  const { request } = o;
  const key = cacheKey({
    repositoryId: request.repositoryId,
    trust: request.trust === Trust.REPOSITORY ? "repository" : "fork",
    pullRequest: request.pullRequest,
  });
  const cache = await builder.caches.find(key);
  const [cachedPackages, cachedShell = ""] = cache?.contentId.split("+") ?? [];
  const hasPackages = packagesId !== "" && cachedPackages === packagesId;
  const result = await builder.runInSandbox({
    podman: builder.podman,
    imageReference: builder.imageReference,
    limits: builder.limits,
    dns: builder.dns,
    ...(builder.caFile === undefined ? {} : { caFile: builder.caFile }),
    ...(builder.seccompProfile === undefined ? {} : { seccompProfile: builder.seccompProfile }),
    networkName: builder.networkName,
    labels: {
      "catapult.site": String(request.siteId),
      "catapult.generation": String(request.generation),
      "catapult.deployment": String(request.deploymentId),
    },
    writeSource: () => archiveCommit(o.clone, builder.maxSourceBytes, o.signal),
    rootDir: plan.rootDir,
    command: plan.command,
    outputDir: plan.outputDir,
    devshell: plan.devshell,
    // Of the very lock file that the cache was saved for, all is in it. After a change npm must ask: it does not look again for a version
    // that is missing in what it cached, and without a lock file it would keep to old versions.
    environment: {
      ...buildEnvironment(request),
      ...(hasPackages && plan.lockFile !== undefined ? { npm_config_prefer_offline: "true" } : {}),
    },
    variables: buildVariables(request),
    masker: o.masker,
    cache: cache === undefined ? {} : { seed: cache.open },
    onLine: o.onLine,
    signal: o.signal,
  });
  const imageId = result.imageId.replace(/^sha256:/, "");
  const egress = result.egress === undefined ? {} : { egress: result.egress };
  if (!result.ok) return { ok: false, imageId, failure: result.failure, ...egress };
  return {
    ok: true,
    ...egress,
    imageId,
    tar: result.output,
    timings: result.timings,
    async saveCache() {
      // The same packages and the same shell again: what was seeded is what would be saved.
      const hasAll = cachedPackages === packagesId && cachedShell === shellId;
      if (hasAll && (packagesId !== "" || shellId !== "")) return;
      await withinDeadline({ signal: o.signal, milliseconds: saveDeadlineMs, attempt: "keep the packages" }, async (signal) =>
        builder.caches.save(key, `${packagesId}+${shellId}`, await result.cache(signal), signal),
      );
    },
    release: () => result.release(),
  };
}

/** The configuration's own variables, for code of the repository's own alone: those with a fork's were refused before. */
function buildVariables(request: BuildRequest): Record<string, string> {
  if (request.trust !== Trust.REPOSITORY) return {};
  return Object.fromEntries(request.variables.map(({ name, value }) => [name, value]));
}

/** What a build is told. Nothing of it is secret. */
export function buildEnvironment(request: BuildRequest): Record<string, string> {
  return {
    CI: "true",
    CATAPULT: "1",
    CATAPULT_URL: request.url,
    CATAPULT_CONTEXT: request.kind === SiteKind.PRODUCTION ? "production" : "preview",
    CATAPULT_COMMIT: request.commit,
    // eslint-disable-next-line no-control-regex
    CATAPULT_BRANCH: request.branch.replace(/[\u0000-\u001f\u007f]/g, ""),
    CATAPULT_PR: request.pullRequest === 0n ? "" : String(request.pullRequest),
  };
}
