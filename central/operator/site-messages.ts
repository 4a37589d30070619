import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { siteUrl } from "#central/dispatch/site-url.ts";
import { DeploymentState, SiteKind, SiteType, Stage, Trust } from "#gen/catapult/v1/deployment_pb.js";
import { DeploymentSchema, SiteSchema, SiteState, type Deployment, type Site } from "#gen/catapult/v1/operator_service_pb.js";
import type { DeploymentRow, EgressRow, SiteRow } from "./rows.ts";

// The tables name enum values as the proto does, in lower case.
const deploymentStates: Readonly<Record<string, DeploymentState>> = {
  held: DeploymentState.HELD,
  queued: DeploymentState.QUEUED,
  dispatched: DeploymentState.DISPATCHED,
  cloning: DeploymentState.CLONING,
  building: DeploymentState.BUILDING,
  publishing: DeploymentState.PUBLISHING,
  succeeded: DeploymentState.SUCCEEDED,
  failed: DeploymentState.FAILED,
  canceled: DeploymentState.CANCELED,
  superseded: DeploymentState.SUPERSEDED,
  lost: DeploymentState.LOST,
};
const stages: Readonly<Record<string, Stage>> = {
  dispatch: Stage.DISPATCH,
  clone: Stage.CLONE,
  detect: Stage.DETECT,
  sandbox: Stage.SANDBOX,
  build: Stage.BUILD,
  publish: Stage.PUBLISH,
  route: Stage.ROUTE,
};
const siteTypes: Readonly<Record<string, SiteType>> = {
  sveltekit: SiteType.SVELTEKIT,
  vite: SiteType.VITE,
  zola: SiteType.ZOLA,
  static: SiteType.STATIC,
  custom: SiteType.CUSTOM,
};
const kinds = { preview: SiteKind.PREVIEW, production: SiteKind.PRODUCTION } as const;
const siteStates = {
  wanted: SiteState.WANTED,
  removing: SiteState.REMOVING,
  removed: SiteState.REMOVED,
  evicted: SiteState.EVICTED,
} as const;

/** The kind as the tables name it; undefined: any. */
export function kindName(kind: SiteKind): "preview" | "production" | undefined {
  if (kind === SiteKind.UNSPECIFIED) return undefined;
  return kind === SiteKind.PREVIEW ? "preview" : "production";
}

/** The state as the tables name it; undefined: any. */
export function siteStateName(state: SiteState): string | undefined {
  return state === SiteState.UNSPECIFIED ? undefined : (SiteState[state] ?? "").toLowerCase();
}

export function deploymentStateName(state: DeploymentState): string {
  return (DeploymentState[state] ?? "").toLowerCase();
}

export function siteMessage(row: SiteRow): Site {
  return create(SiteSchema, {
    id: row.id,
    host: row.host,
    url: siteUrl(row.sites_url, row.host),
    kind: kinds[row.kind],
    environment: row.environment,
    githubOrg: row.github_org,
    githubRepo: row.github_repo,
    pullRequest: row.pull_request ?? 0n,
    state: siteStates[row.state],
    generation: row.generation,
    worker: row.worker_id ?? "",
    liveDeployment: row.live_deployment ?? 0n,
    liveCommit: row.live_commit ?? "",
    liveRelease: row.live_release ?? "",
    newestDeployment: row.newest_deployment ?? 0n,
    pinnedFrom: row.pinned_from ?? "",
    createTime: timestampFromDate(row.created_at),
    updateTime: timestampFromDate(row.updated_at),
  });
}

export function deploymentMessage(row: DeploymentRow, egress: readonly EgressRow[] = []): Deployment {
  const timings = Object.entries(row.stage_timings).map(([stage, ms]) => ({
    stage: stages[stage] ?? Stage.UNSPECIFIED,
    durationMs: BigInt(Math.max(0, Math.round(ms))),
  }));
  return create(DeploymentSchema, {
    id: row.id,
    site: row.site_id,
    host: row.host,
    url: siteUrl(row.sites_url, row.host),
    kind: kinds[row.kind],
    environment: row.environment,
    githubOrg: row.github_org,
    githubRepo: row.github_repo,
    pullRequest: row.pull_request ?? 0n,
    generation: row.generation,
    commit: row.commit_sha,
    branch: row.branch,
    trust: row.trust === "fork" ? Trust.FORK : Trust.REPOSITORY,
    state: deploymentStates[row.state] ?? DeploymentState.UNSPECIFIED,
    live: row.live,
    waiting: row.waiting ?? "",
    worker: row.worker_id ?? "",
    siteType: siteTypes[row.site_type ?? ""] ?? SiteType.UNSPECIFIED,
    imageId: row.image_id ?? "",
    release: row.release ?? "",
    releaseFiles: row.release_files ?? 0n,
    releaseBytes: row.release_bytes ?? 0n,
    ...(row.failure_reason !== null && {
      failure: {
        stage: stages[row.failure_stage ?? ""] ?? Stage.UNSPECIFIED,
        reason: row.failure_reason,
        message: row.failure_message ?? "",
      },
    }),
    stageTimings: timings.toSorted((one, other) => one.stage - other.stage),
    egress: egress.map(({ address, port, protocol, bytes }) => ({ address, port, protocol, bytes })),
    cause: row.requested_by === null ? (row.delivery_guid ?? "") : `token:${row.requested_by}`,
    createTime: timestampFromDate(row.created_at),
    ...(row.dispatched_at !== null && { dispatchTime: timestampFromDate(row.dispatched_at) }),
    ...(row.finished_at !== null && { finishTime: timestampFromDate(row.finished_at) }),
    logLines: row.log_lines,
  });
}
