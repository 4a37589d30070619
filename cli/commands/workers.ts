import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import { WorkerSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { operatorVariables } from "../central/central-config.ts";
import { formatVariables } from "../output/format-variables.ts";
import { formatTime, print, printJson, printList } from "../output/print.ts";
import { reserveSecretFile } from "../output/reserve-secret-file.ts";

type AddOptions = { environment: string; endpoint: string; disabled?: boolean; keyFile?: string; json?: boolean };

export function addWorkers(program: Command): void {
  const command = program.command("workers").description("what builds and serves an environment's sites");
  command.addHelpText("after", `\n${formatVariables(operatorVariables)}`);
  command
    .command("add")
    .argument("<id>", "a DNS label of at most 32 characters")
    .description("add a worker and make its keys: the key file (WORKER_KEY) is given out this once")
    .requiredOption("--environment <name>", "its environment")
    .requiredOption("--endpoint <url>", "where Central calls it: https://host:port")
    .option("--disabled", "give it no work yet")
    .option("--key-file <path>", "write the key file there, with mode 0600, instead of printing it")
    .option("--json", "print what was made as JSON")
    .action(addWorker);
  command
    .command("list")
    .description("list all workers")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const { callCentral } = await import("../central/call-central.ts");
      const { workers } = await callCentral("list the workers", async (client) => client.listWorkers({}));
      printList(workers, {
        json: options.json,
        toJson: (item) => toJson(WorkerSchema, item),
        columns: {
          ID: (item) => item.id,
          ENVIRONMENT: (item) => item.environment,
          ENDPOINT: (item) => item.endpoint,
          ENABLED: (item) => (item.enabled ? "yes" : "no"),
          SEEN: (item) => formatTime(item.seenTime && timestampDate(item.seenTime)) || "never",
        },
        none: "There are no workers.",
      });
    });
  command
    .command("remove")
    .argument("<id>")
    .description("remove a worker none of whose deployments runs; its keys stop working at once")
    .action(async (id: string) => {
      const { callCentral } = await import("../central/call-central.ts");
      await callCentral(`remove the worker ${id}`, async (client) => client.deleteWorker({ id }));
      print(`Worker ${id} is gone.`);
    });
}

async function addWorker(id: string, options: AddOptions): Promise<void> {
  const { callCentral } = await import("../central/call-central.ts");
  const worker = { id, environment: options.environment, endpoint: options.endpoint, enabled: options.disabled !== true };
  // The file comes first: keys that cannot be written down would be lost.
  const file = options.keyFile === undefined ? undefined : await reserveSecretFile(options.keyFile);
  try {
    const made = await callCentral(`add the worker ${id}`, async (client) => client.createWorker({ worker }));
    await file?.write(`${made.keyFile}\n`);
    if (options.json === true) {
      const keyFile = file === undefined ? { keyFile: made.keyFile } : { keyFilePath: options.keyFile };
      printJson({ worker: made.worker && toJson(WorkerSchema, made.worker), ...keyFile });
    } else if (file === undefined) print(made.keyFile);
    else print(`Worker ${id} is there. Its keys are in ${options.keyFile}: start it with WORKER_KEY_FILE set to that.`);
  } catch (error) {
    await file?.discard();
    throw error;
  }
}
