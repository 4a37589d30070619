import type { ForksName, SiteTypeName } from "./names.ts";

export type EnvironmentRow = {
  id: bigint;
  name: string;
  domain_suffixes: string[];
  sites_url: string;
  created_at: Date;
  version: bigint;
};

export type WorkerRow = {
  id: string;
  environment: string;
  endpoint: string;
  enabled: boolean;
  draining: boolean;
  created_at: Date;
  seen_at: Date | null;
  checked_at: Date | null;
  not_ready_reason: string | null;
  slots: number | null;
  running: number;
  free_bytes: bigint | null;
  total_bytes: bigint | null;
  canary_at: Date | null;
  versions: string[];
  version: bigint;
};

export type DeploymentConfigRow = {
  id: bigint;
  github_org: string;
  github_repo: string;
  repository_id: bigint;
  environment: string;
  sites_url: string;
  domain: string;
  subdomain: string;
  production_host: string;
  site_type: SiteTypeName;
  build_command: string;
  output_dir: string;
  root_dir: string;
  preview_label: string;
  forks: ForksName;
  enabled: boolean;
  deleting: boolean;
  max_running: number;
  build_variable_names: string[];
  created_at: Date;
  version: bigint;
};

export type SiteRow = {
  id: bigint;
  host: string;
  kind: "preview" | "production";
  environment: string;
  sites_url: string;
  github_org: string;
  github_repo: string;
  pull_request: bigint | null;
  state: "wanted" | "removing" | "removed" | "evicted";
  generation: bigint;
  worker_id: string | null;
  live_deployment: bigint | null;
  live_commit: string | null;
  live_release: string | null;
  newest_deployment: bigint | null;
  pinned_from: string | null;
  created_at: Date;
  updated_at: Date;
};

export type DeploymentRow = {
  id: bigint;
  site_id: bigint;
  host: string;
  sites_url: string;
  kind: "preview" | "production";
  environment: string;
  github_org: string;
  github_repo: string;
  pull_request: bigint | null;
  generation: bigint;
  commit_sha: string;
  branch: string;
  trust: "repository" | "fork";
  state: string;
  live: boolean;
  waiting: string | null;
  worker_id: string | null;
  site_type: string | null;
  image_id: string | null;
  release: string | null;
  release_files: bigint | null;
  release_bytes: bigint | null;
  failure_stage: string | null;
  failure_reason: string | null;
  failure_message: string | null;
  stage_timings: Record<string, number>;
  delivery_guid: string | null;
  requested_by: string | null;
  created_at: Date;
  dispatched_at: Date | null;
  finished_at: Date | null;
  log_lines: bigint;
};

export type EgressRow = { address: string; port: number; protocol: string; bytes: bigint };
