import type { Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { AddEnvironmentOptions, UpdateEnvironmentOptions } from "../central/manage-environments.ts";
import { formatVariables } from "../output/format-variables.ts";

const load = async () => import("../central/manage-environments.ts");

export function addEnvironments(program: Command): void {
  const command = program.command("environments").description("zones or tenants, each with its worker");
  command.addHelpText("afterAll", `\n${formatVariables(operatorVariables)}`);
  command
    .command("add")
    .argument("<name>", "a DNS label of at most 32 characters")
    .description("make an environment")
    .requiredOption("--suffix <domain...>", "every host of its sites is one of these or ends in a dot and one of these")
    .option("--sites-url <form>", "the form of its sites' URLs", "https://{host}")
    .option("--json", "print what was made as JSON")
    .action(async (name: string, options: AddEnvironmentOptions) => (await load()).addEnvironment(name, options));
  command
    .command("list")
    .description("list all environments")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => (await load()).listEnvironments(options));
  command
    .command("get")
    .argument("<name>")
    .description("show one environment")
    .option("--json", "print JSON")
    .action(async (name: string, options: { json?: boolean }) => (await load()).getEnvironment(name, options));
  command
    .command("update")
    .argument("<name>")
    .description("change an environment; refused while a host of it would fall out of its suffixes")
    .option("--suffix <domain...>", "all of its suffixes")
    .option("--sites-url <form>", "the form of its sites' URLs, such as http://{host}:8081")
    .option("--json", "print it as it is now as JSON")
    .action(async (name: string, options: UpdateEnvironmentOptions) => (await load()).updateEnvironment(name, options));
  command
    .command("remove")
    .argument("<name>")
    .description("remove an environment that has no workers and no configs")
    .option("--json", "print its name as JSON")
    .action(async (name: string, options: { json?: boolean }) => (await load()).removeEnvironment(name, options));
}
