import { getCACertificates } from "node:tls";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";
import type { Work } from "#worker/accept/create-acceptor.ts";
import { removeSite } from "#worker/accept/remove-site.ts";
import { runDeployment } from "#worker/accept/run-deployment.ts";
import type { Builder } from "#worker/build/run-build.ts";
import { cloneCommit } from "#worker/clone/clone-commit.ts";
import { endToken } from "#worker/clone/end-token.ts";
import type { WorkerConfig } from "#worker/config.ts";

/** What git may write into one file of a clone, its pack too. */
export const maxPackBytes = 2 ** 30;
/** Of a release; its bytes are those of BUILD_DISK. */
export const maxOutputFiles = 100_000;

/** What is done with a request that was taken: clone, build and publish, or remove. A clone token is ended whatever comes of it. */
export function createWork(o: {
  config: WorkerConfig;
  dependencies: Omit<Parameters<typeof runDeployment>[0], "outputLimits" | "keep" | "routeTimeoutMs" | "clone" | "builder"> &
    Parameters<typeof removeSite>[0];
  builder: Builder;
  clonesDir: string;
  /** PEM, trusted beside the default ones when tokens are revoked; git reads the same from a file. */
  ca?: string;
  gitCaFile?: string;
}): Work {
  const { config, dependencies } = o;
  const revoking = {
    apiUrl: config.githubApiUrl,
    ...(o.ca === undefined ? {} : { ca: [...getCACertificates("default"), o.ca] }),
    background: dependencies.background,
    log: dependencies.log,
  };
  /** Requests whose clone has ended their token, or will. */
  const ended = new WeakSet<BuildRequest>();
  return {
    endToken: (token) => endToken({ ...revoking, token }),
    reportAgain: (finished) => dependencies.results.report(finished),
    remove: (request, controller) => removeSite(dependencies, request, controller.signal),
    deploy: (request, controller) =>
      runDeployment(
        {
          ...dependencies,
          outputLimits: { maxBytes: config.buildDisk, maxFiles: maxOutputFiles },
          keep: { releases: config.releasesKeep, bytes: config.releasesKeepBytes },
          routeTimeoutMs: 20_000,
          clone: (asked, signal) => {
            ended.add(asked);
            return cloneCommit({
              ...revoking,
              baseUrl: config.githubUrl,
              repository: asked.repository,
              commit: asked.commit,
              token: asked.cloneToken,
              clonesDir: o.clonesDir,
              ...(o.gitCaFile === undefined ? {} : { caFile: o.gitCaFile }),
              limits: { timeoutMs: 300_000, maxFileBytes: maxPackBytes },
              signal,
            });
          },
          builder: o.builder,
        },
        request,
        controller,
      ).finally(() => {
        // A release that was there already needed no clone.
        if (!ended.has(request)) endToken({ ...revoking, token: request.cloneToken });
      }),
  };
}
