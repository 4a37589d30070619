import { Option, type Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { AddConfigOptions, PlanConfigOptions, UpdateConfigOptions } from "../central/manage-configs.ts";
import { forks, siteTypes } from "../choices.ts";
import { formatVariables } from "../output/format-variables.ts";
import { parseMaxRunning, parsePullRequest } from "../parse-words.ts";

const loadVariables = async () => import("../central/manage-variables.ts");
const load = async () => import("../central/manage-configs.ts");

export function addConfigs(program: Command): void {
  const command = program
    .command("configs")
    .description("deployment configs: where a repository's sites go and how they are built");
  command.addHelpText("afterAll", `\n${formatVariables(operatorVariables)}`);
  const add = command
    .command("add")
    .argument("<owner/name>", "the repository, which the GitHub App must see")
    .description("make a deployment config; the default branch and open pull requests are deployed at once")
    .requiredOption("--environment <name>", "whose worker builds and serves it")
    .requiredOption("--domain <domain>", "the domain of its hosts, under one of the environment's suffixes");
  addBuildOptions(add, { siteType: "auto", forks: "approve" })
    .option("--disabled", "build nothing yet")
    .option("--json", "print what was made as JSON")
    .action(async (repository: string, options: AddConfigOptions) => (await load()).addConfig(repository, options));
  command
    .command("list")
    .description("list deployment configs")
    .option("--environment <name>", "only of this environment")
    .option("--owner <name>", "only of this owner's repositories")
    .option("--json", "print JSON")
    .action(async (options: { environment?: string; owner?: string; json?: boolean }) => (await load()).listConfigs(options));
  command
    .command("get")
    .argument("<owner/name>")
    .description("show one deployment config")
    .option("--json", "print JSON")
    .action(async (repository: string, options: { json?: boolean }) => (await load()).getConfig(repository, options));
  const update = command
    .command("update")
    .argument("<owner/name>")
    .description("change a deployment config; a new domain makes the new sites first, each old one goes once its new one is live")
    .option("--domain <domain>", "the domain of its hosts");
  addBuildOptions(update, {})
    .option("--enable", "build again")
    .option("--disable", "build nothing; sites stay")
    .option("--json", "print the answer as JSON")
    .action(async (repository: string, options: UpdateConfigOptions) => (await load()).updateConfig(repository, options));
  const plan = command
    .command("plan")
    .argument("<owner/name>")
    .description(
      "say which hosts and commands a config would give; nothing is stored or built (exit code 1 if it would not work)",
    )
    .option("--environment <name>", "for a repository without a config")
    .option("--domain <domain>", "for a repository without a config, or another than it has");
  addBuildOptions(plan, {})
    .option("--ref <ref>", "the branch, tag or commit to look at; without it, the default branch")
    .option("--pull-request <number>", "name the preview of this one", parsePullRequest)
    .option("--json", "print JSON")
    .action(async (repository: string, options: PlanConfigOptions) => (await load()).planConfig(repository, options));
  command
    .command("remove")
    .argument("<owner/name>")
    .description("remove a deployment config")
    .option("--delete-sites", "remove its sites too")
    .option("--json", "print the answer as JSON")
    .action(async (repository: string, options: { deleteSites?: boolean; json?: boolean }) =>
      (await load()).removeConfig(repository, options),
    );
  addVariables(command);
}

function addBuildOptions(command: Command, defaults: { siteType?: string; forks?: string }): Command {
  return command
    .option("--subdomain <labels>", "the default branch is served at <labels>.<domain>; without it, at the domain itself")
    .addOption(new Option("--site-type <type>", "how the site is built").choices(siteTypes).default(defaults.siteType))
    .option("--build-command <command>", "instead of the site type's")
    .option("--output-dir <folder>", "instead of the site type's; relative to the root folder")
    .option("--root-dir <folder>", "the folder in the repository that holds the site")
    .addOption(new Option("--forks <rule>", "what happens to forks' pull requests").choices(forks).default(defaults.forks))
    .option("--max-running <number>", "at most so many of its deployments run at once", parseMaxRunning);
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
