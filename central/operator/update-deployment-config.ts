import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import type { Reason } from "#common/rpc/reasons.ts";
import {
  DeploymentConfigSchema,
  UpdateDeploymentConfigRequestSchema,
  type DeploymentConfig,
} from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { checkConfigHosts, checkDeploymentConfig } from "./check-deployment-config.ts";
import { productionHost } from "./check-site-host.ts";
import { configResource, defaultMaxRunning } from "./create-deployment-config.ts";
import { checkEtag } from "./etag.ts";
import { deploymentConfigMessage } from "./messages.ts";
import { HostTakenError, moveHosts } from "./move-hosts.ts";
import { nameHostOwner } from "./name-host-owner.ts";
import { forksName, parseSiteTypeName, siteTypeName } from "./names.ts";
import { configNotFound } from "./not-found.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { findTakenSuffix } from "./refuse-taken-suffixes.ts";
import type { DeploymentConfigRow } from "./rows.ts";
import { lockDeploymentConfig } from "./sql/lock-deployment-config.ts";
import { selectDeploymentConfig } from "./sql/select-deployment-configs.ts";
import { selectEnvironment } from "./sql/select-environment.ts";
import { selectHostOwner } from "./sql/select-host-owner.ts";
import { type ConfigUpdate, updateDeploymentConfigRow } from "./sql/update-deployment-config.ts";
import { violatedUnique } from "./violated-constraint.ts";
import { fieldError, refuseViolations } from "./violation.ts";

const schema = UpdateDeploymentConfigRequestSchema;

export const configPaths = [
  "domain",
  "subdomain",
  "site_type",
  "build_command",
  "output_dir",
  "root_dir",
  "forks",
  "disabled",
  "max_running",
] as const;

type Paths = ReadonlySet<(typeof configPaths)[number]>;

/** Changes a config. How it is built counts from the next deployment on; where it is served, and that it is enabled again, at once. */
export async function updateDeploymentConfig(
  pool: pg.Pool,
  config: DeploymentConfig,
  paths: Paths,
  actor: Actor,
): Promise<{ row: DeploymentConfigRow; sitesToMove: number }> {
  try {
    return await withTransaction(pool, async (client) => update(client, config, paths, actor));
  } catch (error) {
    const constraint = violatedUnique(error);
    if (constraint === "deployment_config_production_host_key") throw refusal("subdomain", "the host is another repository's");
    if (constraint === "deployment_config_domain_preview_label_key")
      throw refusal("domain", "another repository's previews have the same label there", "preview_label_taken");
    if (error instanceof HostTakenError) throw refusal("domain", error.message);
    throw error;
  }
}

async function update(
  client: pg.ClientBase,
  config: DeploymentConfig,
  paths: Paths,
  actor: Actor,
): Promise<{ row: DeploymentConfigRow; sitesToMove: number }> {
  const before = await lockDeploymentConfig(client, config.githubOrg, config.githubRepo, actor.environment);
  if (before === undefined) throw configNotFound(config.githubOrg, config.githubRepo);
  const name = `${before.github_org}/${before.github_repo}`;
  checkEtag(config.etag, before, `the deployment config of ${name}`);
  if (before.deleting) {
    throw reasonError(Code.FailedPrecondition, "config_deleting", `the deployment config of ${name} is being removed`);
  }
  const values = merge(before, config, paths);
  if (isSame(before, values)) return { row: before, sitesToMove: 0 };
  refuseViolations(
    schema,
    checkDeploymentConfig({ ...values, githubRepo: before.github_repo, siteType: parseSiteTypeName(values.siteType) }),
  );
  const moves = values.domain !== before.domain || values.subdomain !== before.subdomain;
  if (moves) await checkNewHosts(client, before, values, actor);
  await updateDeploymentConfigRow(client, before.id, values);
  const row = await selectDeploymentConfig(client, before.id);
  const sitesToMove = moves ? await moveHosts(client, row, actor.name) : 0;
  // What was pushed while it was disabled, what another rule for forks lets through, and what is held at a new host.
  if (values.enabled && (moves || !before.enabled || values.forks !== before.forks))
    await addJob(client, { task: "look", configId: row.id });
  const written = { method: "UpdateDeploymentConfig", resource: configResource(row), environment: row.environment };
  const change = { before: deploymentConfigMessage(before), after: deploymentConfigMessage(row) };
  await audit(client, actor, written, { schema: DeploymentConfigSchema, ...change });
  return { row, sitesToMove };
}

function merge(before: DeploymentConfigRow, config: DeploymentConfig, paths: Paths): ConfigUpdate {
  return {
    domain: paths.has("domain") ? config.domain : before.domain,
    subdomain: paths.has("subdomain") ? config.subdomain : before.subdomain,
    siteType: paths.has("site_type") ? siteTypeName(config.siteType) : before.site_type,
    buildCommand: paths.has("build_command") ? config.buildCommand : before.build_command,
    outputDir: paths.has("output_dir") ? config.outputDir : before.output_dir,
    rootDir: paths.has("root_dir") ? config.rootDir : before.root_dir,
    forks: paths.has("forks") ? forksName(config.forks) : before.forks,
    enabled: paths.has("disabled") ? !config.disabled : before.enabled,
    maxRunning: paths.has("max_running") ? config.maxRunning || defaultMaxRunning : before.max_running,
  };
}

function isSame(before: DeploymentConfigRow, values: ConfigUpdate): boolean {
  return (
    values.domain === before.domain &&
    values.subdomain === before.subdomain &&
    values.siteType === before.site_type &&
    values.buildCommand === before.build_command &&
    values.outputDir === before.output_dir &&
    values.rootDir === before.root_dir &&
    values.forks === before.forks &&
    values.enabled === before.enabled &&
    values.maxRunning === before.max_running
  );
}

async function checkNewHosts(
  client: pg.ClientBase,
  before: DeploymentConfigRow,
  values: ConfigUpdate,
  actor: Actor,
): Promise<void> {
  const environment = await selectEnvironment(client, before.environment);
  const suffixes = { name: before.environment, domainSuffixes: environment?.domain_suffixes ?? [] };
  refuseViolations(schema, checkConfigHosts(values, suffixes, before.preview_label));
  const host = productionHost(values.domain, values.subdomain);
  const owner = await selectHostOwner(client, host);
  if (owner !== undefined && owner.repository !== `${before.github_org}/${before.github_repo}`) {
    const field = values.subdomain === "" ? "domain" : "subdomain";
    throw refusal(field, `the host ${host} belongs to ${nameHostOwner(owner, actor)}`);
  }
  const taken = await findTakenSuffix(client, host, before.environment, actor);
  if (taken !== undefined) throw refusal("domain", taken, "suffix_taken");
}

function refusal(field: string, message: string, reason: Reason = "host_taken"): Error {
  return fieldError(Code.AlreadyExists, schema, [{ field: `deployment_config.${field}`, message }], reason);
}
