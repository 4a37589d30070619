import { toJson } from "@bufbuild/protobuf";
import { Option, type Command } from "commander";
import { SiteType } from "#gen/catapult/v1/deployment_pb.js";
import { DeploymentConfigSchema, Forks } from "#gen/catapult/v1/operator_service_pb.js";
import { operatorVariables } from "../central/central-config.ts";
import { UsageError } from "../errors.ts";
import { formatVariables } from "../output/format-variables.ts";
import { print, printJson, printList } from "../output/print.ts";

const siteTypes = {
  auto: SiteType.AUTO,
  sveltekit: SiteType.SVELTEKIT,
  vite: SiteType.VITE,
  zola: SiteType.ZOLA,
  static: SiteType.STATIC,
  custom: SiteType.CUSTOM,
} as const;
const forks = { off: Forks.OFF, approve: Forks.APPROVE, on: Forks.ON } as const;

type AddOptions = {
  environment: string;
  domain: string;
  subdomain: string;
  siteType: keyof typeof siteTypes;
  buildCommand: string;
  outputDir: string;
  rootDir: string;
  forks: keyof typeof forks;
  disabled?: boolean;
  json?: boolean;
};

export function addConfigs(program: Command): void {
  const command = program
    .command("configs")
    .description("deployment configs: where a repository's sites go and how they are built");
  command.addHelpText("after", `\n${formatVariables(operatorVariables)}`);
  command
    .command("add")
    .argument("<owner/name>", "the repository, which the GitHub App must see")
    .description("make a deployment config; the default branch and open pull requests are deployed at once")
    .requiredOption("--environment <name>", "whose worker builds and serves it")
    .requiredOption("--domain <domain>", "the domain of its hosts, under one of the environment's suffixes")
    .option("--subdomain <labels>", "the default branch is served at <labels>.<domain>; without it, at the domain itself", "")
    .addOption(new Option("--site-type <type>", "how the site is built").choices(Object.keys(siteTypes)).default("auto"))
    .option("--build-command <command>", "instead of the site type's", "")
    .option("--output-dir <folder>", "instead of the site type's; relative to the root folder", "")
    .option("--root-dir <folder>", "the folder in the repository that holds the site", "")
    .addOption(
      new Option("--forks <rule>", "what happens to forks' pull requests").choices(Object.keys(forks)).default("approve"),
    )
    .option("--disabled", "build nothing yet")
    .option("--json", "print what was made as JSON")
    .action(addConfig);
  command
    .command("list")
    .description("list all deployment configs")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const { callCentral } = await import("../central/call-central.ts");
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
    });
  command
    .command("remove")
    .argument("<owner/name>")
    .description("remove a deployment config")
    .option("--delete-sites", "remove its sites too")
    .action(async (repository: string, options: { deleteSites?: boolean }) => {
      const { callCentral } = await import("../central/call-central.ts");
      const request = { ...splitRepository(repository), deleteSites: options.deleteSites === true };
      const attempt = `remove the deployment config of ${repository}`;
      const { sitesRemaining } = await callCentral(attempt, async (client) => client.deleteDeploymentConfig(request));
      const rest = sitesRemaining === 1 ? "its last site" : `the last of its ${sitesRemaining} sites`;
      print(`The deployment config of ${repository} ${sitesRemaining === 0 ? "is gone" : `goes with ${rest}`}.`);
    });
}

async function addConfig(repository: string, options: AddOptions): Promise<void> {
  const { callCentral } = await import("../central/call-central.ts");
  const deploymentConfig = {
    ...splitRepository(repository),
    environment: options.environment,
    domain: options.domain,
    subdomain: options.subdomain,
    siteType: siteTypes[options.siteType],
    buildCommand: options.buildCommand,
    outputDir: options.outputDir,
    rootDir: options.rootDir,
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

function splitRepository(repository: string): { githubOrg: string; githubRepo: string } {
  const [githubOrg, githubRepo, ...rest] = repository.split("/");
  if (githubOrg === undefined || githubRepo === undefined || rest.length > 0 || githubOrg === "" || githubRepo === "") {
    throw new UsageError(`<owner/name>: expected a repository such as acme/site, not ${JSON.stringify(repository)}`);
  }
  return { githubOrg, githubRepo };
}

function nameOf(names: Record<string, number>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? `unknown (${value})`;
}
