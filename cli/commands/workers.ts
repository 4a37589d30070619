import type { Command } from "commander";
import { operatorVariables } from "../central/central-config.ts";
import type { AddWorkerOptions } from "../central/manage-workers.ts";
import { formatVariables } from "../output/format-variables.ts";

const load = async () => import("../central/manage-workers.ts");

export function addWorkers(program: Command): void {
  const command = program.command("workers").description("what builds and serves an environment's sites");
  command.addHelpText("afterAll", `\n${formatVariables(operatorVariables)}`);
  command
    .command("add")
    .argument("<id>", "a DNS label of at most 32 characters")
    .description("add a worker and make its keys: the key file (WORKER_KEY) is given out this once")
    .requiredOption("--environment <name>", "its environment")
    .requiredOption("--endpoint <url>", "where Central calls it: https://host:port")
    .option("--disabled", "give it no work yet")
    .option("--key-file <path>", "write the key file there, with mode 0600, instead of printing it")
    .option("--json", "print what was made as JSON")
    .action(async (id: string, options: AddWorkerOptions) => (await load()).addWorker(id, options));
  command
    .command("list")
    .description("list all workers")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => (await load()).listWorkers(options));
  command
    .command("remove")
    .argument("<id>")
    .description("remove a worker none of whose deployments runs; its keys stop working at once")
    .action(async (id: string) => (await load()).removeWorker(id));
}
