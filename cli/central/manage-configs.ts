import { toJson } from "@bufbuild/protobuf";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { DeploymentConfigSchema, Forks } from "#gen/catapult/v1/operator_service_pb.js";
import { print, printJson, printList } from "../output/print.ts";
import { callCentral } from "./call-central.ts";
import { splitRepository } from "./split-repository.ts";

const siteTypes = {
  auto: SiteType.AUTO,
  sveltekit: SiteType.SVELTEKIT,
  vite: SiteType.VITE,
  zola: SiteType.ZOLA,
  static: SiteType.STATIC,
  custom: SiteType.CUSTOM,
} as const;
const forks = { off: Forks.OFF, approve: Forks.APPROVE, on: Forks.ON } as const;

export type AddConfigOptions = {
  environment: string;
  domain: string;
  subdomain?: string;
  siteType: keyof typeof siteTypes;
  buildCommand?: string;
  outputDir?: string;
  rootDir?: string;
  forks: keyof typeof forks;
  disabled?: boolean;
  json?: boolean;
};

export async function addConfig(repository: string, options: AddConfigOptions): Promise<void> {
  const deploymentConfig = {
    ...splitRepository(repository),
    environment: options.environment,
    domain: options.domain,
    subdomain: options.subdomain ?? "",
    siteType: siteTypes[options.siteType],
    buildCommand: options.buildCommand ?? "",
    outputDir: options.outputDir ?? "",
    rootDir: options.rootDir ?? "",
    forks: forks[options.forks],
    disabled: options.disabled === true,
  };
  const attempt = `make the deployment config of ${repository}`;
  const { deploymentConfig: made } = await callCentral(attempt, async (client) =>
    client.createDeploymentConfig({ deploymentConfig }),
  );
  if (options.json === true) printJson(made && toJson(DeploymentConfigSchema, made));
  else print(`${repository} goes to ${made?.productionUrl}, its pull requests to pr-<n>-${made?.previewLabel}.${made?.domain}.`);
}

export async function listConfigs(options: { json?: boolean }): Promise<void> {
  const { deploymentConfigs } = await callCentral("list the deployment configs", async (client) =>
    client.listDeploymentConfigs({}),
  );
  printList(deploymentConfigs, {
    json: options.json,
    toJson: (item) => toJson(DeploymentConfigSchema, item),
    columns: {
      REPOSITORY: (item) => `${item.githubOrg}/${item.githubRepo}`,
      ENVIRONMENT: (item) => item.environment,
      PRODUCTION: (item) => item.productionUrl,
      PREVIEWS: (item) => `pr-<n>-${item.previewLabel}.${item.domain}`,
      "SITE TYPE": (item) => nameOf(siteTypes, item.siteType),
      FORKS: (item) => nameOf(forks, item.forks),
      ENABLED: (item) => (item.disabled ? "no" : "yes"),
    },
    none: "There are no deployment configs.",
  });
}

export async function removeConfig(repository: string, options: { deleteSites?: boolean }): Promise<void> {
  const request = { ...splitRepository(repository), deleteSites: options.deleteSites === true };
  const attempt = `remove the deployment config of ${repository}`;
  const { sitesRemaining } = await callCentral(attempt, async (client) => client.deleteDeploymentConfig(request));
  const rest = sitesRemaining === 1 ? "its last site" : `the last of its ${sitesRemaining} sites`;
  print(`The deployment config of ${repository} ${sitesRemaining === 0 ? "is gone" : `goes with ${rest}`}.`);
}

function nameOf(names: Record<string, number>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? `unknown (${value})`;
}
