import { toJson } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { EnvironmentSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { operatorVariables } from "../central/central-config.ts";
import { formatVariables } from "../output/format-variables.ts";
import { print, printJson, printList } from "../output/print.ts";

export function addEnvironments(program: Command): void {
  const command = program.command("environments").description("zones or tenants, each with its worker");
  command.addHelpText("after", `\n${formatVariables(operatorVariables)}`);
  command
    .command("add")
    .argument("<name>", "a DNS label of at most 32 characters")
    .description("make an environment")
    .requiredOption("--suffix <domain...>", "every host of its sites is one of these or ends in a dot and one of these")
    .option("--sites-url <form>", "the form of its sites' URLs", "https://{host}")
    .option("--json", "print what was made as JSON")
    .action(async (name: string, options: { suffix: string[]; sitesUrl: string; json?: boolean }) => {
      const environment = { name, domainSuffixes: options.suffix, sitesUrl: options.sitesUrl };
      const { callCentral } = await import("../central/call-central.ts");
      const made = await callCentral(`make the environment ${name}`, async (client) => client.createEnvironment({ environment }));
      if (options.json === true) printJson(made.environment && toJson(EnvironmentSchema, made.environment));
      else print(`Environment ${name} is there. Next: catapult workers add <id> --environment ${name} --endpoint https://…`);
    });
  command
    .command("list")
    .description("list all environments")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const { callCentral } = await import("../central/call-central.ts");
      const { environments } = await callCentral("list the environments", async (client) => client.listEnvironments({}));
      printList(environments, {
        json: options.json,
        toJson: (item) => toJson(EnvironmentSchema, item),
        columns: {
          NAME: (item) => item.name,
          SUFFIXES: (item) => item.domainSuffixes.join(", "),
          "SITES' URL": (item) => item.sitesUrl,
        },
        none: "There are no environments.",
      });
    });
  command
    .command("remove")
    .argument("<name>")
    .description("remove an environment that has no workers and no configs")
    .action(async (name: string) => {
      const { callCentral } = await import("../central/call-central.ts");
      await callCentral(`remove the environment ${name}`, async (client) => client.deleteEnvironment({ name }));
      print(`Environment ${name} is gone.`);
    });
}
