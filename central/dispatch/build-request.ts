import type { MessageInitShape } from "@bufbuild/protobuf";
import { SiteKind, SiteType, Trust } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequestSchema } from "#gen/catapult/v1/worker_service_pb.js";
import { siteUrl } from "./site-url.ts";
import type { Deployment, Work } from "./sql/select-work.ts";

const siteTypes: Readonly<Record<string, SiteType>> = {
  auto: SiteType.AUTO,
  sveltekit: SiteType.SVELTEKIT,
  vite: SiteType.VITE,
  zola: SiteType.ZOLA,
  static: SiteType.STATIC,
  custom: SiteType.CUSTOM,
};

/** What a worker is asked to build. */
export function createBuildRequest(
  work: Work,
  deployment: Deployment,
  cloneToken: string,
  variables: { name: string; value: string }[],
): MessageInitShape<typeof BuildRequestSchema> {
  return {
    siteId: work.siteId,
    generation: work.generation,
    deploymentId: deployment.id,
    host: work.host,
    kind: work.kind === "preview" ? SiteKind.PREVIEW : SiteKind.PRODUCTION,
    url: siteUrl(work.sitesUrl, work.host),
    repositoryId: work.repositoryId,
    repository: work.repository,
    ...(deployment.fromRelease === null ? { commit: deployment.commit } : { release: deployment.fromRelease }),
    branch: deployment.branch,
    pullRequest: work.pullRequest ?? 0n,
    cloneToken,
    trust: deployment.trust === "fork" ? Trust.FORK : Trust.REPOSITORY,
    siteType: siteTypes[work.siteType] ?? SiteType.AUTO,
    buildCommand: work.buildCommand,
    outputDir: work.outputDir,
    rootDir: work.rootDir,
    variables,
  };
}
