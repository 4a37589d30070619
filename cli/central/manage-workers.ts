import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { EnableWorkerResponseSchema, WorkerSchema, type Worker } from "#gen/catapult/v1/operator_service_pb.js";
import { formatBytes } from "../output/format-bytes.ts";
import { formatTime, print, printJson, printList } from "../output/print.ts";
import { printItem } from "../output/print-item.ts";
import { reserveSecretFile } from "../output/reserve-secret-file.ts";
import { callCentral } from "./call-central.ts";
import { expectAnswer } from "./expect-answer.ts";
import { listAll } from "./list-all.ts";

export type AddWorkerOptions = { environment: string; endpoint: string; disabled?: boolean; keyFile?: string; json?: boolean };

export async function addWorker(id: string, options: AddWorkerOptions): Promise<void> {
  const worker = { id, environment: options.environment, endpoint: options.endpoint, enabled: options.disabled !== true };
  await withKeyFile(options, async () => {
    const made = await callCentral(`add the worker ${id}`, async (client) => client.createWorker({ worker }));
    const said = `Worker ${id} is there. Its keys are in ${options.keyFile}: start it with WORKER_KEY_FILE set to that.`;
    return { worker: made.worker, keyFile: made.keyFile, said };
  });
}

export async function listWorkers(options: { environment?: string; json?: boolean }): Promise<void> {
  const { environment = "" } = options;
  const workers = await callCentral("list the workers", async (client) =>
    listAll(async (page) => {
      const { workers: items, nextPageToken } = await client.listWorkers({ ...page, environment });
      return { items, nextPageToken };
    }),
  );
  printList(workers, {
    json: options.json,
    toJson: (item) => toJson(WorkerSchema, item),
    columns: {
      ID: (item) => item.id,
      ENVIRONMENT: (item) => item.environment,
      ENDPOINT: (item) => item.endpoint,
      ENABLED: (item) => (item.draining && item.enabled ? "draining" : yesOrNo(item.enabled)),
      READY: (item) => describeReadiness(item),
      BUILDS: (item) => (item.slots === 0 ? "" : `${item.running}/${item.slots}`),
      FREE: (item) => (item.totalBytes === 0n ? "" : formatBytes(item.freeBytes)),
      SEEN: (item) => formatTime(item.seenTime && timestampDate(item.seenTime)) || "never",
    },
    none: "There are no workers.",
  });
}

export async function getWorker(id: string, options: { json?: boolean }): Promise<void> {
  const { worker } = await callCentral(`get the worker ${id}`, async (client) => client.getWorker({ id }));
  printItem(WorkerSchema, worker, options.json);
}

/** Changes where Central calls it, if nobody else changed it meanwhile. */
export async function updateWorker(id: string, options: { endpoint: string; json?: boolean }): Promise<void> {
  const { worker } = await callCentral(`change the worker ${id}`, async (client) => {
    const { worker: stored } = await client.getWorker({ id });
    return client.updateWorker({
      worker: Object.assign(expectAnswer(stored), { endpoint: options.endpoint }),
      updateMask: { paths: ["endpoint"] },
    });
  });
  if (options.json === true) printItem(WorkerSchema, worker, true);
  else print(`Worker ${id} is called at ${worker?.endpoint}.`);
}

export async function enableWorker(id: string, options: { json?: boolean }): Promise<void> {
  const answer = await callCentral(`enable the worker ${id}`, async (client) => client.enableWorker({ id }));
  if (options.json === true) printJson(toJson(EnableWorkerResponseSchema, answer));
  else {
    const sites = answer.sitesToDeploy;
    const moved = sites === 0 ? "" : ` ${sites} ${sites === 1 ? "site is" : "sites are"} deployed there anew; then switch DNS.`;
    print(`Worker ${id} gets the work of ${answer.worker?.environment}.${moved}`);
  }
}

export async function disableWorker(id: string, options: { json?: boolean }): Promise<void> {
  const { worker } = await callCentral(`disable the worker ${id}`, async (client) => client.disableWorker({ id }));
  if (options.json === true) printItem(WorkerSchema, worker, true);
  else print(`Worker ${id} gets no more work; it goes on serving its sites.`);
}

export async function drainWorker(id: string, options: { off?: boolean; json?: boolean }): Promise<void> {
  const draining = options.off !== true;
  const attempt = draining ? `drain the worker ${id}` : `give builds to the worker ${id} again`;
  const { worker } = await callCentral(attempt, async (client) => client.drainWorker({ id, draining }));
  if (options.json === true) printItem(WorkerSchema, worker, true);
  else if (draining) print(`Worker ${id} gets no more builds; ${worker?.running ?? 0} run there now.`);
  else print(`Worker ${id} gets builds again.`);
}

export async function rotateWorkerKey(id: string, options: { keyFile?: string; json?: boolean }): Promise<void> {
  await withKeyFile(options, async () => {
    const { worker, keyFile } = await callCentral(`make new keys for the worker ${id}`, async (client) =>
      client.rotateWorkerKey({ id }),
    );
    return {
      worker,
      keyFile,
      said: `New keys of ${id} are in ${options.keyFile}: start it anew with WORKER_KEY_FILE set to that.`,
    };
  });
}

export async function removeWorker(id: string, options: { json?: boolean }): Promise<void> {
  await callCentral(`remove the worker ${id}`, async (client) => client.deleteWorker({ id }));
  if (options.json === true) printJson({ id });
  else print(`Worker ${id} is gone.`);
}

/** Keys are shown once. The file comes first: keys that cannot be written down would be lost. */
async function withKeyFile(
  options: { keyFile?: string; json?: boolean },
  make: () => Promise<{ worker: Worker | undefined; keyFile: string; said: string }>,
): Promise<void> {
  const file = options.keyFile === undefined ? undefined : await reserveSecretFile(options.keyFile);
  try {
    const { worker, keyFile, said } = await make();
    await file?.write(`${keyFile}\n`);
    if (options.json === true) {
      const place = file === undefined ? { keyFile } : { keyFilePath: options.keyFile };
      printJson({ worker: worker && toJson(WorkerSchema, worker), ...place });
    } else print(file === undefined ? keyFile : said);
  } catch (error) {
    await file?.discard();
    throw error;
  }
}

function yesOrNo(value: boolean): string {
  return value ? "yes" : "no";
}

/** One that gets no work is not asked, and of one that never answered nothing is known. */
function describeReadiness(worker: Worker): string {
  if (worker.notReadyReason !== "") return `no: ${worker.notReadyReason}`;
  return worker.enabled && worker.seenTime !== undefined ? "yes" : "";
}
