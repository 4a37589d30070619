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
    .description("list workers with their health and what is free")
    .option("--environment <name>", "only of this environment")
    .option("--json", "print JSON")
    .action(async (options: { environment?: string; json?: boolean }) => (await load()).listWorkers(options));
  addForOne(command, "get", "show one worker", async (id, options) => (await load()).getWorker(id, options));
  command
    .command("update")
    .argument("<id>")
    .description("change where Central calls a worker")
    .requiredOption("--endpoint <url>", "https://host:port")
    .option("--json", "print it as it is now as JSON")
    .action(async (id: string, options: { endpoint: string; json?: boolean }) => (await load()).updateWorker(id, options));
  addForOne(
    command,
    "enable",
    "give the environment's work to this worker; every site is deployed there anew",
    async (id, options) => (await load()).enableWorker(id, options),
  );
  addForOne(command, "disable", "give it no more work; it goes on serving its sites", async (id, options) =>
    (await load()).disableWorker(id, options),
  );
  command
    .command("drain")
    .argument("<id>")
    .description("hand it no more builds, as before maintenance; its environment stays with it")
    .option("--off", "hand it builds again")
    .option("--json", "print it as it is now as JSON")
    .action(async (id: string, options: { off?: boolean; json?: boolean }) => (await load()).drainWorker(id, options));
  command
    .command("rotate-key")
    .argument("<id>")
    .description("make new keys, given out this once; the old ones stay valid until the worker has used the new ones")
    .option("--key-file <path>", "write the key file there, with mode 0600, instead of printing it")
    .option("--json", "print JSON")
    .action(async (id: string, options: { keyFile?: string; json?: boolean }) => (await load()).rotateWorkerKey(id, options));
  addForOne(
    command,
    "remove",
    "remove a worker none of whose deployments runs; its keys stop working at once",
    async (id, options) => (await load()).removeWorker(id, options),
  );
}

function addForOne(
  workers: Command,
  verb: string,
  description: string,
  action: (id: string, options: { json?: boolean }) => Promise<void>,
): void {
  workers.command(verb).argument("<id>").description(description).option("--json", "print JSON").action(action);
}
