import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { DeploymentState, SiteKind, SiteType, Stage, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { ReportStatusRequestSchema } from "#gen/catapult/v1/central_service_pb.js";
import {
  BuildRequestSchema,
  CleanupRequestSchema,
  WorkerServiceListSitesRequestSchema,
} from "#gen/catapult/v1/worker_service_pb.js";

/** A valid request of each signed type, with every field set that may be set together. */
export const buildSample = {
  siteId: 7n,
  generation: 3n,
  deploymentId: 9_007_199_254_740_993n,
  host: "pr-1-blog.example.org",
  kind: SiteKind.PREVIEW,
  url: "https://pr-1-blog.example.org",
  repositoryId: 42n,
  repository: "octo-org/blog",
  commit: "0123456789abcdef0123456789abcdef01234567",
  branch: "feature/ü-\u{1F680}",
  pullRequest: 1n,
  cloneToken: "ghs_sample",
  trust: Trust.REPOSITORY,
  siteType: SiteType.VITE,
  buildCommand: "npm run build",
  outputDir: "dist",
  rootDir: "site",
} satisfies MessageInitShape<typeof BuildRequestSchema>;

export const cleanupSample = {
  siteId: 7n,
  generation: 4n,
  host: "pr-1-blog.example.org",
} satisfies MessageInitShape<typeof CleanupRequestSchema>;

export const listSitesSample = {
  afterSiteId: 9_007_199_254_740_993n,
  pageSize: 1000,
} satisfies MessageInitShape<typeof WorkerServiceListSitesRequestSchema>;

export const reportSample = {
  siteId: 7n,
  generation: 3n,
  deploymentId: 11n,
  state: DeploymentState.FAILED,
  failure: { stage: Stage.BUILD, reason: "command_failed", message: "exit 1" },
  stageTimings: [
    { stage: Stage.CLONE, durationMs: 120n },
    { stage: Stage.BUILD, durationMs: 0n },
  ],
  firstLogLine: 1n,
  logLines: ["", "vite v8", "\u{1F4A5} ünïcode"],
  imageId: "ab".repeat(32),
  releaseFiles: 0n,
  siteType: SiteType.VITE,
} satisfies MessageInitShape<typeof ReportStatusRequestSchema>;

export const samples = [
  { schema: BuildRequestSchema, message: create(BuildRequestSchema, buildSample) },
  { schema: CleanupRequestSchema, message: create(CleanupRequestSchema, cleanupSample) },
  { schema: WorkerServiceListSitesRequestSchema, message: create(WorkerServiceListSitesRequestSchema, listSitesSample) },
  { schema: ReportStatusRequestSchema, message: create(ReportStatusRequestSchema, reportSample) },
];
