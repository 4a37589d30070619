import { Option, type Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { AddConfigOptions } from "../central/manage-configs.ts";
import { formatVariables } from "../output/format-variables.ts";

const siteTypes = ["auto", "sveltekit", "vite", "zola", "static", "custom"];
const loadVariables = async () => import("../central/manage-variables.ts");
const load = async () => import("../central/manage-configs.ts");

export function addConfigs(program: Command): void {
  const command = program
    .command("configs")
    .description("deployment configs: where a repository's sites go and how they are built");
  command.addHelpText("afterAll", `\n${formatVariables(operatorVariables)}`);
  command
    .command("add")
    .argument("<owner/name>", "the repository, which the GitHub App must see")
    .description("make a deployment config; the default branch and open pull requests are deployed at once")
    .requiredOption("--environment <name>", "whose worker builds and serves it")
    .requiredOption("--domain <domain>", "the domain of its hosts, under one of the environment's suffixes")
    .option("--subdomain <labels>", "the default branch is served at <labels>.<domain>; without it, at the domain itself")
    .addOption(new Option("--site-type <type>", "how the site is built").choices(siteTypes).default("auto"))
    .option("--build-command <command>", "instead of the site type's")
    .option("--output-dir <folder>", "instead of the site type's; relative to the root folder")
    .option("--root-dir <folder>", "the folder in the repository that holds the site")
    .addOption(
      new Option("--forks <rule>", "what happens to forks' pull requests").choices(["off", "approve", "on"]).default("approve"),
    )
    .option("--disabled", "build nothing yet")
    .option("--json", "print what was made as JSON")
    .action(async (repository: string, options: AddConfigOptions) => (await load()).addConfig(repository, options));
  command
    .command("list")
    .description("list all deployment configs")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => (await load()).listConfigs(options));
  command
    .command("remove")
    .argument("<owner/name>")
    .description("remove a deployment config")
    .option("--delete-sites", "remove its sites too")
    .action(async (repository: string, options: { deleteSites?: boolean }) => (await load()).removeConfig(repository, options));
  addVariables(command);
}

function addVariables(configs: Command): void {
  const command = configs
    .command("variables")
    .description("build variables: secrets that builds of the repository's own commits get; never those of forks");
  command
    .command("set")
    .argument("<owner/name>")
    .argument("<NAME>")
    .description("set one; its value is read from standard input, and never shown again")
    .option("--value-file <path>", "read the value from this file instead")
    .option("--json", "print its name as JSON")
    .action(async (repository: string, name: string, options: { valueFile?: string; json?: boolean }) =>
      (await loadVariables()).setVariable(repository, name, options),
    );
  command
    .command("list")
    .argument("<owner/name>")
    .description("list their names")
    .option("--json", "print JSON")
    .action(async (repository: string, options: { json?: boolean }) =>
      (await loadVariables()).listVariables(repository, options),
    );
  command
    .command("remove")
    .argument("<owner/name>")
    .argument("<NAME>")
    .description("remove one")
    .option("--json", "print its name as JSON")
    .action(async (repository: string, name: string, options: { json?: boolean }) =>
      (await loadVariables()).removeVariable(repository, name, options),
    );
}
