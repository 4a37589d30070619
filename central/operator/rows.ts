import type { ForksName, SiteTypeName } from "./names.ts";

export type EnvironmentRow = { id: bigint; name: string; domain_suffixes: string[]; sites_url: string; created_at: Date };

export type WorkerRow = {
  id: string;
  environment: string;
  endpoint: string;
  enabled: boolean;
  created_at: Date;
  seen_at: Date | null;
  not_ready_reason: string | null;
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
  build_variable_names: string[];
  created_at: Date;
};
