import { toJson } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { SiteTypeSchema } from "#gen/catapult/v1/deployment_pb.js";
import {
  DeploymentConfigSchema,
  ForksSchema,
  PlanDeploymentConfigResponseSchema,
  UpdateDeploymentConfigResponseSchema,
  type DeploymentConfig,
} from "#gen/catapult/v1/operator_service_pb.js";
import { UsageError } from "../errors.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatEnum, parseEnum } from "../output/enum-names.ts";
import { escapeControls } from "../output/format-table.ts";
import { print, printJson, printList } from "../output/print.ts";
import { printItem } from "../output/print-item.ts";
import { callCentral } from "./call-central.ts";
import { expectAnswer } from "./expect-answer.ts";
import { listAll } from "./list-all.ts";
import { nameOption } from "./name-options.ts";
import { splitRepository } from "./split-repository.ts";

type ConfigOptions = {
  domain?: string;
  subdomain?: string;
  siteType?: string;
  buildCommand?: string;
  outputDir?: string;
  rootDir?: string;
  forks?: string;
  maxRunning?: number;
  json?: boolean;
};
export type AddConfigOptions = ConfigOptions & { environment: string; domain: string; disabled?: boolean };
export type UpdateConfigOptions = ConfigOptions & { disable?: boolean; enable?: boolean };
export type PlanConfigOptions = ConfigOptions & { environment?: string; ref?: string; pullRequest?: bigint };

export async function addConfig(repository: string, options: AddConfigOptions): Promise<void> {
  const deploymentConfig = {
    ...splitRepository(repository),
    environment: options.environment,
    ...readFields(options),
    disabled: options.disabled === true,
  };
  const attempt = `make the deployment config of ${repository}`;
  const { deploymentConfig: made } = await callCentral(attempt, async (client) =>
    client.createDeploymentConfig({ deploymentConfig }),
  );
  if (options.json === true) printItem(DeploymentConfigSchema, made, true);
  else print(`${repository} goes to ${made?.productionUrl}, its pull requests to pr-<n>-${made?.previewLabel}.${made?.domain}.`);
}

export async function listConfigs(options: { environment?: string; owner?: string; json?: boolean }): Promise<void> {
  const { environment = "", owner: githubOrg = "" } = options;
  const deploymentConfigs = await callCentral("list the deployment configs", async (client) =>
    listAll(async (page) => {
      const { deploymentConfigs: items, nextPageToken } = await client.listDeploymentConfigs({ ...page, environment, githubOrg });
      return { items, nextPageToken };
    }),
  );
  printList(deploymentConfigs, {
    json: options.json,
    toJson: (item) => toJson(DeploymentConfigSchema, item),
    columns: {
      REPOSITORY: (item) => `${item.githubOrg}/${item.githubRepo}`,
      ENVIRONMENT: (item) => item.environment,
      PRODUCTION: (item) => item.productionUrl,
      PREVIEWS: (item) => `pr-<n>-${item.previewLabel}.${item.domain}`,
      "SITE TYPE": (item) => formatEnum(SiteTypeSchema, item.siteType) || "auto",
      FORKS: (item) => formatEnum(ForksSchema, item.forks),
      ENABLED: (item) => describeEnabled(item),
    },
    none: "There are no deployment configs.",
  });
}

export async function getConfig(repository: string, options: { json?: boolean }): Promise<void> {
  const attempt = `get the deployment config of ${repository}`;
  const names = splitRepository(repository);
  const { deploymentConfig } = await callCentral(attempt, async (client) => client.getDeploymentConfig(names));
  printItem(DeploymentConfigSchema, deploymentConfig, options.json);
}

/** Changes what is named, if nobody else changed it meanwhile. */
export async function updateConfig(repository: string, options: UpdateConfigOptions): Promise<void> {
  const names = splitRepository(repository);
  if (options.disable === true && options.enable === true) throw new UsageError("--enable, --disable: one of the two");
  const disabled = options.disable === true ? { disabled: true } : options.enable === true ? { disabled: false } : {};
  const changes = { ...readFields(options), ...disabled };
  const paths = Object.keys(changes).map(toSnakeCase);
  if (paths.length === 0) throw new UsageError("say what to change: --domain, --forks or another; --help lists them");
  const answer = await callCentral(`change the deployment config of ${repository}`, async (client) => {
    const { deploymentConfig: stored } = await client.getDeploymentConfig(names);
    const deploymentConfig = Object.assign(expectAnswer(stored), changes);
    return client.updateDeploymentConfig({ deploymentConfig, updateMask: { paths } });
  });
  if (options.json === true) printJson(toJson(UpdateDeploymentConfigResponseSchema, answer));
  else {
    const moving =
      answer.sitesToMove === 0 ? "" : ` ${answer.sitesToMove} sites move; each old one goes once its new one is live.`;
    print(`The deployment config of ${repository} is changed.${moving}`);
  }
}

/** What a config would give. That of the repository, if it is stored, with the changes that are named; a new one otherwise. */
export async function planConfig(repository: string, options: PlanConfigOptions): Promise<void> {
  const names = splitRepository(repository);
  const asked = { ref: options.ref ?? "", pullRequest: options.pullRequest ?? 0n };
  const plan = await callCentral(`plan the deployment config of ${repository}`, async (client) => {
    const changes = {
      ...readFields(options),
      ...(options.environment === undefined ? {} : { environment: options.environment }),
    };
    const isWhole = options.environment !== undefined && options.domain !== undefined;
    const stored = await client.getDeploymentConfig(names).catch((error: unknown) => {
      if (isWhole && ConnectError.from(error).code === Code.NotFound) return undefined;
      throw error;
    });
    const deploymentConfig = { ...names, environment: "", domain: "", ...pickStored(stored?.deploymentConfig), ...changes };
    return client.planDeploymentConfig({ deploymentConfig, ...asked });
  });
  if (options.json === true) printJson(toJson(PlanDeploymentConfigResponseSchema, plan));
  else {
    printItem(PlanDeploymentConfigResponseSchema, { ...plan, problems: [] }, false);
    for (const { field, reason, message } of plan.problems)
      print(escapeControls(`problem: ${nameOption(field)}: ${message} (${reason})`));
  }
  if (plan.problems.length > 0) process.exitCode = exitCodes.failed;
}

export async function removeConfig(repository: string, options: { deleteSites?: boolean; json?: boolean }): Promise<void> {
  const request = { ...splitRepository(repository), deleteSites: options.deleteSites === true };
  const attempt = `remove the deployment config of ${repository}`;
  const { sitesRemaining } = await callCentral(attempt, async (client) => client.deleteDeploymentConfig(request));
  if (options.json === true) {
    printJson({ sitesRemaining });
    return;
  }
  const rest = sitesRemaining === 1 ? "its last site" : `the last of its ${sitesRemaining} sites`;
  print(`The deployment config of ${repository} ${sitesRemaining === 0 ? "is gone" : `goes with ${rest}`}.`);
}

/** The fields of a config that options name. */
function readFields(options: ConfigOptions) {
  return {
    ...(options.domain === undefined ? {} : { domain: options.domain }),
    ...(options.subdomain === undefined ? {} : { subdomain: options.subdomain }),
    ...(options.siteType === undefined ? {} : { siteType: parseEnum(SiteTypeSchema, options.siteType) }),
    ...(options.buildCommand === undefined ? {} : { buildCommand: options.buildCommand }),
    ...(options.outputDir === undefined ? {} : { outputDir: options.outputDir }),
    ...(options.rootDir === undefined ? {} : { rootDir: options.rootDir }),
    ...(options.forks === undefined ? {} : { forks: parseEnum(ForksSchema, options.forks) }),
    ...(options.maxRunning === undefined ? {} : { maxRunning: options.maxRunning }),
  };
}

function pickStored(stored: DeploymentConfig | undefined) {
  if (stored === undefined) return {};
  const { environment, domain, subdomain, siteType, buildCommand, outputDir, rootDir, forks } = stored;
  return { environment, domain, subdomain, siteType, buildCommand, outputDir, rootDir, forks };
}

function describeEnabled(config: DeploymentConfig): string {
  if (config.deleting) return "going";
  return config.disabled ? "no" : "yes";
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
