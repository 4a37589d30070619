import { Code, type ConnectError } from "@connectrpc/connect";
import type pg from "pg";
import { withTransaction } from "#central/database/pool.ts";
import { addJob } from "#central/jobs/add-job.ts";
import type { Reason } from "#common/rpc/reasons.ts";
import {
  CreateDeploymentConfigRequestSchema,
  DeploymentConfigSchema,
  type DeploymentConfig,
} from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor, requireEnvironment } from "./actor.ts";
import { audit } from "./audit.ts";
import { checkConfigHosts, checkDeploymentConfig } from "./check-deployment-config.ts";
import { productionHost } from "./check-site-host.ts";
import { deploymentConfigMessage } from "./messages.ts";
import { nameHostOwner } from "./name-host-owner.ts";
import { forksName, siteTypeName } from "./names.ts";
import { previewLabelCandidates } from "./preview-label.ts";
import { findTakenSuffix } from "./refuse-taken-suffixes.ts";
import { requireOwner } from "./require-owner.ts";
import type { DeploymentConfigRow, EnvironmentRow } from "./rows.ts";
import { insertDeploymentConfig, type NewDeploymentConfig } from "./sql/insert-deployment-config.ts";
import { selectDeploymentConfig } from "./sql/select-deployment-configs.ts";
import { selectEnvironment } from "./sql/select-environment.ts";
import { selectHostOwner } from "./sql/select-host-owner.ts";
import { violatedUnique } from "./violated-constraint.ts";
import { fieldError, refuseViolations, type Violation } from "./violation.ts";

const schema = CreateDeploymentConfigRequestSchema;
/** Of one repository's deployments at once, unless its config says another number. */
export const defaultMaxRunning = 2;

/** What the audit log calls a config. */
export function configResource(row: { github_org: string; github_repo: string }): string {
  return `configs/${row.github_org}/${row.github_repo}`;
}

/** A repository as the GitHub App sees it. */
export type SeenRepository = { repositoryId: bigint; installationId: bigint; owner: string; repo: string; defaultBranch: string };

/** Finds a repository through the GitHub App; undefined: the App does not see it. */
export type ResolveRepository = (owner: string, repo: string) => Promise<SeenRepository | undefined>;

/**
 * Stores a config, with the look that deploys its default branch and open pull requests. What can be checked without GitHub is checked
 * before GitHub is asked, so that an answer about a bad value never says whether the App sees a repository.
 */
export async function createDeploymentConfig(
  o: { pool: pg.Pool; resolveRepository: ResolveRepository },
  config: DeploymentConfig,
  actor: Actor = localActor,
): Promise<DeploymentConfigRow> {
  requireEnvironment(actor, config.environment);
  const environment = await selectEnvironment(o.pool, config.environment);
  const violations = checkDeploymentConfig(config);
  if (environment === undefined) {
    const message = `there is no environment ${config.environment}`;
    const all = [...violations, { field: "deployment_config.environment", message }];
    throw fieldError(Code.InvalidArgument, schema, all, "environment_not_found");
  }
  refuseViolations(schema, [...violations, ...checkPlace(config, environment, violations)]);
  await requireOwner(o.pool, actor, config.githubOrg);
  const repository = await findRepository(o.resolveRepository, config);
  const values = newConfig(config, environment.id, repository);
  try {
    return await withTransaction(o.pool, async (client) => {
      await refuseTakenHost(client, config, repository, actor);
      const id = await insertWithLabel(client, values, previewLabelCandidates(repository.repo, repository.repositoryId));
      await addJob(client, { task: "look", configId: id });
      const row = await selectDeploymentConfig(client, id);
      const resource = configResource(row);
      const written = { method: "CreateDeploymentConfig", resource, environment: row.environment };
      await audit(client, actor, written, { schema: DeploymentConfigSchema, after: deploymentConfigMessage(row) });
      return row;
    });
  } catch (error) {
    throw refusalOf(error, config, repository) ?? error;
  }
}

function checkPlace(config: DeploymentConfig, environment: EnvironmentRow, found: readonly Violation[]): Violation[] {
  if (found.some(({ field }) => field === "deployment_config.domain")) return [];
  const suffixes = { name: environment.name, domainSuffixes: environment.domain_suffixes };
  // The longest label there can be: how it is chosen depends on what else is in the domain.
  return checkConfigHosts(config, suffixes, longestLabel(config.githubRepo));
}

async function findRepository(resolve: ResolveRepository, config: DeploymentConfig): Promise<SeenRepository> {
  const name = `${config.githubOrg}/${config.githubRepo}`;
  const repository = await resolve(config.githubOrg, config.githubRepo);
  if (repository === undefined) {
    const message = `the GitHub App does not see ${name}: install it on the repository, or mend the name`;
    throw refusal(Code.FailedPrecondition, "github_repo", message, "repository_not_visible");
  }
  if (config.repositoryId !== 0n && config.repositoryId !== repository.repositoryId) {
    const message = `the id of ${name} is ${repository.repositoryId}; leave it unset`;
    throw refusal(Code.InvalidArgument, "repository_id", message, "invalid_field");
  }
  return repository;
}

function newConfig(
  config: DeploymentConfig,
  environmentId: bigint,
  repository: SeenRepository,
): Omit<NewDeploymentConfig, "previewLabel"> {
  return {
    githubOrg: repository.owner,
    githubRepo: repository.repo,
    repositoryId: repository.repositoryId,
    installationId: repository.installationId,
    defaultBranch: repository.defaultBranch,
    environmentId,
    domain: config.domain,
    subdomain: config.subdomain,
    siteType: siteTypeName(config.siteType),
    buildCommand: config.buildCommand,
    outputDir: config.outputDir,
    rootDir: config.rootDir,
    forks: forksName(config.forks),
    enabled: !config.disabled,
    maxRunning: config.maxRunning === 0 ? defaultMaxRunning : config.maxRunning,
  };
}

async function insertWithLabel(
  client: pg.ClientBase,
  config: Omit<NewDeploymentConfig, "previewLabel">,
  labels: readonly string[],
): Promise<bigint> {
  for (const previewLabel of labels) {
    const id = await insertDeploymentConfig(client, { ...config, previewLabel });
    if (id !== undefined) return id;
  }
  const message = `no preview label is free in ${config.domain}: ${labels.join(", ")} are taken`;
  throw refusal(Code.AlreadyExists, "domain", message, "preview_label_taken");
}

async function refuseTakenHost(
  client: pg.ClientBase,
  config: DeploymentConfig,
  repository: SeenRepository,
  actor: Actor,
): Promise<void> {
  const host = productionHost(config.domain, config.subdomain);
  const owner = await selectHostOwner(client, host);
  // The repository's own config is another refusal, which its insert finds.
  if (owner !== undefined && owner.repository !== `${repository.owner}/${repository.repo}`)
    throw takenHost(config, nameHostOwner(owner, actor));
  const taken = await findTakenSuffix(client, host, config.environment, actor);
  if (taken !== undefined) throw refusal(Code.AlreadyExists, "domain", taken, "suffix_taken");
}

function refusalOf(error: unknown, config: DeploymentConfig, repository: SeenRepository): Error | undefined {
  const constraint = violatedUnique(error);
  if (constraint === "deployment_config_production_host_key") return takenHost(config, "another repository");
  if (constraint === "deployment_config_repository_id_key") {
    const message = `${repository.owner}/${repository.repo} has a deployment config already`;
    return refusal(Code.AlreadyExists, "github_repo", message, "config_exists");
  }
  return undefined;
}

function takenHost(config: DeploymentConfig, owner: string): ConnectError {
  const host = productionHost(config.domain, config.subdomain);
  const field = config.subdomain === "" ? "domain" : "subdomain";
  return refusal(Code.AlreadyExists, field, `the host ${host} belongs to ${owner}`, "host_taken");
}

/** The label that takes the most room of those that a repository may get. */
export function longestLabel(repo: string): string {
  return previewLabelCandidates(repo, 0n).reduce((longest, label) => (label.length > longest.length ? label : longest), "");
}

function refusal(code: Code, field: string, message: string, reason: Reason): ConnectError {
  return fieldError(code, schema, [{ field: `deployment_config.${field}`, message }], reason);
}
