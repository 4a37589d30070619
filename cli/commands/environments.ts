import type { Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { AddEnvironmentOptions } from "../central/manage-environments.ts";
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
    .command("remove")
    .argument("<name>")
    .description("remove an environment that has no workers and no configs")
    .action(async (name: string) => (await load()).removeEnvironment(name));
}
