import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { WorkerSchema, type Worker } from "#gen/catapult/v1/operator_service_pb.js";
import { formatTime, print, printJson, printList } from "../output/print.ts";
import { reserveSecretFile } from "../output/reserve-secret-file.ts";
import { callCentral } from "./call-central.ts";

export type AddWorkerOptions = { environment: string; endpoint: string; disabled?: boolean; keyFile?: string; json?: boolean };

export async function addWorker(id: string, options: AddWorkerOptions): Promise<void> {
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

export async function listWorkers(options: { json?: boolean }): Promise<void> {
  const { workers } = await callCentral("list the workers", async (client) => client.listWorkers({}));
  printList(workers, {
    json: options.json,
    toJson: (item) => toJson(WorkerSchema, item),
    columns: {
      ID: (item) => item.id,
      ENVIRONMENT: (item) => item.environment,
      ENDPOINT: (item) => item.endpoint,
      ENABLED: (item) => (item.enabled ? "yes" : "no"),
      READY: (item) => describeReadiness(item),
      SEEN: (item) => formatTime(item.seenTime && timestampDate(item.seenTime)) || "never",
    },
    none: "There are no workers.",
  });
}

export async function removeWorker(id: string): Promise<void> {
  await callCentral(`remove the worker ${id}`, async (client) => client.deleteWorker({ id }));
  print(`Worker ${id} is gone.`);
}

/** One that gets no work is not asked, and of one that never answered nothing is known. */
function describeReadiness(worker: Worker): string {
  if (worker.notReadyReason !== "") return `no: ${worker.notReadyReason}`;
  return worker.enabled && worker.seenTime !== undefined ? "yes" : "";
}
