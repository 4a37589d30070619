import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  DeploymentConfigSchema,
  EnvironmentSchema,
  WorkerSchema,
  type DeploymentConfig,
  type Environment,
  type Worker,
} from "#gen/catapult/v1/operator_service_pb.js";
import { etagOf } from "./etag.ts";
import { parseForksName, parseSiteTypeName } from "./names.ts";
import type { DeploymentConfigRow, EnvironmentRow, WorkerRow } from "./rows.ts";

export function environmentMessage(row: EnvironmentRow): Environment {
  return create(EnvironmentSchema, {
    name: row.name,
    domainSuffixes: row.domain_suffixes,
    sitesUrl: row.sites_url,
    createTime: timestampFromDate(row.created_at),
    etag: etagOf(row),
  });
}

export function workerMessage(row: WorkerRow): Worker {
  return create(WorkerSchema, {
    id: row.id,
    environment: row.environment,
    endpoint: row.endpoint,
    enabled: row.enabled,
    draining: row.draining,
    createTime: timestampFromDate(row.created_at),
    ...(row.seen_at !== null && { seenTime: timestampFromDate(row.seen_at) }),
    ...(row.checked_at !== null && { checkTime: timestampFromDate(row.checked_at) }),
    ...(row.canary_at !== null && { canaryTime: timestampFromDate(row.canary_at) }),
    notReadyReason: row.not_ready_reason ?? "",
    slots: row.slots ?? 0,
    running: row.running,
    freeBytes: row.free_bytes ?? 0n,
    totalBytes: row.total_bytes ?? 0n,
    versions: row.versions,
    etag: etagOf(row),
  });
}

export function deploymentConfigMessage(row: DeploymentConfigRow): DeploymentConfig {
  return create(DeploymentConfigSchema, {
    id: row.id,
    githubOrg: row.github_org,
    githubRepo: row.github_repo,
    repositoryId: row.repository_id,
    environment: row.environment,
    domain: row.domain,
    subdomain: row.subdomain,
    siteType: parseSiteTypeName(row.site_type),
    buildCommand: row.build_command,
    outputDir: row.output_dir,
    rootDir: row.root_dir,
    previewLabel: row.preview_label,
    forks: parseForksName(row.forks),
    disabled: !row.enabled,
    deleting: row.deleting,
    maxRunning: row.max_running,
    buildVariableNames: row.build_variable_names,
    createTime: timestampFromDate(row.created_at),
    productionUrl: row.sites_url.replace("{host}", row.production_host),
    etag: etagOf(row),
  });
}
