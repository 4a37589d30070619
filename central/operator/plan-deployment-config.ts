import { create } from "@bufbuild/protobuf";
import type { Pool } from "pg";
import { previewHost } from "#central/decision/decide.ts";
import { siteUrl } from "#central/dispatch/site-url.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { getBranchHead } from "#central/github/get-branch-head.ts";
import { resolveRef } from "#central/github/resolve-ref.ts";
import type { Logger } from "#common/logger.ts";
import {
  type DeploymentConfig,
  type PlanDeploymentConfigRequest,
  type PlanDeploymentConfigResponse,
  PlanDeploymentConfigResponseSchema,
} from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, requireEnvironment } from "./actor.ts";
import { askGitHub } from "./ask-git-hub.ts";
import { checkConfigHosts, checkDeploymentConfig } from "./check-deployment-config.ts";
import { productionHost } from "./check-site-host.ts";
import { longestLabel, type ResolveRepository, type SeenRepository } from "./create-deployment-config.ts";
import { describeSources } from "./describe-sources.ts";
import { parseSiteTypeName, siteTypeName } from "./names.ts";
import { previewLabelCandidates } from "./preview-label.ts";
import { readSitePlan, type SitePlan } from "./read-site-plan.ts";
import { findTakenSuffix } from "./refuse-taken-suffixes.ts";
import { required } from "./required.ts";
import { requireOwner } from "./require-owner.ts";
import type { DeploymentConfigRow, EnvironmentRow } from "./rows.ts";
import { selectNamedConfig } from "./sql/select-deployment-configs.ts";
import { selectEnvironment } from "./sql/select-environment.ts";
import { selectHostOwner } from "./sql/select-host-owner.ts";
import { selectTakenLabels } from "./sql/select-taken-labels.ts";

type Context = { pool: Pool; github: GitHub; resolveRepository: ResolveRepository; log: Logger };
type Problem = { field: string; reason: string; message: string };

/**
 * Says what a config would give, stored or not, and all that stands in its way: of a config that is stored, with its own preview label and without
 * the hosts that are its own. Stores nothing.
 */
export async function planDeploymentConfig(
  o: Context,
  request: PlanDeploymentConfigRequest,
  actor: Actor,
): Promise<PlanDeploymentConfigResponse> {
  const config = required(request.deploymentConfig, "deployment_config");
  requireEnvironment(actor, config.environment);
  await requireOwner(o.pool, actor, config.githubOrg);
  const stored = await selectNamedConfig(o.pool, config.githubOrg, config.githubRepo, actor.environment);
  const environment = await selectEnvironment(o.pool, config.environment);
  const repository = await o.resolveRepository(config.githubOrg, config.githubRepo);
  const hosts = await planHosts(o.pool, config, { stored, environment, repository, pullRequest: request.pullRequest, actor });
  const site = repository === undefined ? undefined : await planSite(o, config, repository, request.ref);
  // A bad setting is found twice: as a value of the config, and by what reads the repository with it.
  const siteProblems = (site?.problems ?? []).filter(({ field }) => !hosts.problems.some((found) => found.field === field));
  return create(PlanDeploymentConfigResponseSchema, {
    productionUrl: hosts.productionUrl,
    previewUrl: hosts.previewUrl,
    commit: site?.commit ?? "",
    ...(site?.plan?.plan !== undefined && {
      siteType: parseSiteTypeName(site.plan.plan.siteType),
      buildCommand: site.plan.plan.command,
      outputDir: site.plan.plan.outputDir === "" ? "." : site.plan.plan.outputDir,
      rootDir: site.plan.plan.rootDir,
      devshell: site.plan.hasFlake ? "flake.nix" : site.plan.plan.devshell,
      sources: describeSources(config, site.plan),
    }),
    problems: [...hosts.problems, ...siteProblems],
  });
}

async function planHosts(
  pool: Pool,
  config: DeploymentConfig,
  o: {
    stored: DeploymentConfigRow | undefined;
    environment: EnvironmentRow | undefined;
    repository: SeenRepository | undefined;
    pullRequest: bigint;
    actor: Actor;
  },
): Promise<{ productionUrl: string; previewUrl: string; problems: Problem[] }> {
  const { stored, environment, repository } = o;
  const problems: Problem[] = checkDeploymentConfig(config).map((violation) => ({ ...violation, reason: "invalid_field" }));
  const isGoodDomain = !problems.some(({ field }) => field === "deployment_config.domain");
  const isGoodHost = isGoodDomain && !problems.some(({ field }) => field === "deployment_config.subdomain");
  const label = stored?.preview_label ?? longestLabel(config.githubRepo);
  if (environment === undefined) {
    const message = `there is no environment ${config.environment}`;
    problems.push({ field: "deployment_config.environment", reason: "environment_not_found", message });
  } else if (isGoodDomain) {
    const allowed = { name: environment.name, domainSuffixes: environment.domain_suffixes };
    problems.push(...checkConfigHosts(config, allowed, label).map((violation) => ({ ...violation, reason: "invalid_field" })));
  }
  if (repository === undefined) {
    const message = `the GitHub App does not see ${config.githubOrg}/${config.githubRepo}: install it on the repository, or mend the name`;
    problems.push({ field: "deployment_config.github_repo", reason: "repository_not_visible", message });
  }
  const host = productionHost(config.domain, config.subdomain);
  const taken = isGoodHost ? await findTakenSuffix(pool, host, config.environment, o.actor) : undefined;
  if (environment !== undefined && taken !== undefined)
    problems.push({ field: "deployment_config.domain", reason: "suffix_taken", message: taken });
  const owner = isGoodHost ? await selectHostOwner(pool, host) : undefined;
  const own = stored === undefined ? undefined : `${stored.github_org}/${stored.github_repo}`;
  if (owner !== undefined && owner.repository !== own) {
    const field = config.subdomain === "" ? "deployment_config.domain" : "deployment_config.subdomain";
    problems.push({ field, reason: "host_taken", message: `the host ${host} belongs to another repository` });
  }
  if (environment === undefined || !isGoodHost) return { productionUrl: "", previewUrl: "", problems };
  const productionUrl = siteUrl(environment.sites_url, host);
  const previewLabel = await findFreeLabel(pool, config, o);
  if (previewLabel === undefined) {
    const message = `another repository's previews have the same label in ${config.domain}`;
    problems.push({ field: "deployment_config.domain", reason: "preview_label_taken", message });
    return { productionUrl, previewUrl: "", problems };
  }
  const number = o.pullRequest === 0n ? "<n>" : String(o.pullRequest);
  const preview = previewHost({ previewLabel, domain: config.domain }, 0n).replace("pr-0-", `pr-${number}-`);
  return { productionUrl, previewUrl: siteUrl(environment.sites_url, preview), problems };
}

/** The preview label that the config has, or would get, in its domain; undefined: none is free. */
async function findFreeLabel(
  pool: Pool,
  config: DeploymentConfig,
  o: { stored: DeploymentConfigRow | undefined; repository: SeenRepository | undefined },
): Promise<string | undefined> {
  const { stored, repository } = o;
  const name = repository?.repo ?? config.githubRepo;
  const labels = stored === undefined ? previewLabelCandidates(name, repository?.repositoryId ?? 0n) : [stored.preview_label];
  const taken = await selectTakenLabels(pool, { domain: config.domain, labels, own: stored?.id });
  return labels.find((label) => !taken.has(label));
}

async function planSite(
  o: Context,
  config: DeploymentConfig,
  repository: SeenRepository,
  ref: string,
): Promise<{ commit: string; plan: SitePlan | undefined; problems: Problem[] }> {
  const name = { installationId: repository.installationId, githubOrg: repository.owner, githubRepo: repository.repo };
  return askGitHub(o.log, { repository: `${repository.owner}/${repository.repo}`, what: "what lies in it" }, async () => {
    const commit = await findCommit(o.github, name, ref, repository.defaultBranch);
    if (commit === undefined) {
      const message = ref === "" ? "the default branch has no commit yet" : "there is no such branch, tag or commit";
      return { commit: "", plan: undefined, problems: [{ field: "ref", reason: "ref_not_found", message }] };
    }
    const typeName = siteTypeName(config.siteType);
    const plan = await readSitePlan(o.github, name, commit, { ...config, siteType: typeName === "auto" ? undefined : typeName });
    const problems = plan.problems.map((problem) => ({ ...problem, field: fieldOf(problem.reason) }));
    return { commit, plan, problems };
  });
}

async function findCommit(
  github: GitHub,
  name: { installationId: bigint; githubOrg: string; githubRepo: string },
  ref: string,
  defaultBranch: string,
): Promise<string | undefined> {
  if (ref === "") return getBranchHead(github, name, defaultBranch);
  if (/^[0-9a-f]{40}$/.test(ref)) return ref;
  if (/[\s~^:?*[\\]|\.\.|^[/.-]/.test(ref)) return undefined;
  const plain = ref.replace(/^refs\/(?=heads\/|tags\/)/, "");
  if (plain !== ref) return resolveRef(github, name, plain);
  return (await resolveRef(github, name, `heads/${ref}`)) ?? resolveRef(github, name, `tags/${ref}`);
}

/** Where to mend a problem: what the file says stands in the file, the rest is a setting. */
function fieldOf(reason: string): string {
  if (reason.startsWith("deploy_json")) return ".deploy.json";
  if (reason.startsWith("package_json") || reason === "static_adapter_missing") return "package.json";
  if (reason.startsWith("root_dir")) return "deployment_config.root_dir";
  if (reason.startsWith("build_command")) return "deployment_config.build_command";
  return reason.startsWith("output_dir") ? "deployment_config.output_dir" : "deployment_config.site_type";
}
