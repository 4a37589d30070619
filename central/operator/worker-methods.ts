import type { ServiceImpl } from "@connectrpc/connect";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { readActor, scopeEnvironment } from "./actor.ts";
import { disableWorker, drainWorker, updateWorker, workerPaths } from "./change-worker.ts";
import { createWorker } from "./create-worker.ts";
import { enableWorker } from "./enable-worker.ts";
import { workerMessage } from "./messages.ts";
import { workerNotFound } from "./not-found.ts";
import type { OperatorContext } from "./operator-context.ts";
import { cutPage, readPage } from "./page.ts";
import { removeWorker } from "./remove-worker.ts";
import { required } from "./required.ts";
import { rotateWorkerKey } from "./rotate-worker-key.ts";
import { selectWorker, selectWorkers } from "./sql/select-workers.ts";
import { readMask } from "./update-mask.ts";

type Methods =
  | "createWorker"
  | "listWorkers"
  | "getWorker"
  | "updateWorker"
  | "enableWorker"
  | "disableWorker"
  | "drainWorker"
  | "rotateWorkerKey"
  | "deleteWorker";

export function createWorkerMethods(o: OperatorContext): Pick<ServiceImpl<typeof OperatorService>, Methods> {
  const { pool, log } = o;
  return {
    async createWorker(request, context) {
      const actor = readActor(context);
      const { row, keyFile } = await createWorker(pool, o.secretKey, required(request.worker, "worker"), actor);
      log.info({ worker: row.id, tokenName: actor.name }, "worker added");
      return { worker: workerMessage(row), keyFile };
    },
    async listWorkers(request, context) {
      const environment = scopeEnvironment(readActor(context), request.environment);
      const page = readPage<[string, string]>(request, { list: "workers", filters: [request.environment], keys: 2 });
      const rows = await selectWorkers(pool, { environment, after: page.after, limit: page.limit + 1 });
      const cut = cutPage(rows, page, (row) => [row.environment, row.id]);
      return { workers: cut.rows.map(workerMessage), nextPageToken: cut.nextPageToken };
    },
    async getWorker(request, context) {
      const row = await selectWorker(pool, request.id, readActor(context).environment);
      if (row === undefined) throw workerNotFound(request.id);
      return { worker: workerMessage(row) };
    },
    async updateWorker(request, context) {
      const actor = readActor(context);
      readMask(request.updateMask, workerPaths);
      const row = await updateWorker(pool, required(request.worker, "worker"), actor);
      log.info({ worker: row.id, tokenName: actor.name }, "worker changed");
      return { worker: workerMessage(row) };
    },
    async enableWorker(request, context) {
      const actor = readActor(context);
      const { row, sitesToDeploy } = await enableWorker(pool, request, actor);
      log.info({ worker: row.id, sitesToDeploy, tokenName: actor.name }, "worker enabled");
      return { worker: workerMessage(row), sitesToDeploy };
    },
    async disableWorker(request, context) {
      const actor = readActor(context);
      const row = await disableWorker(pool, request, actor);
      log.info({ worker: row.id, tokenName: actor.name }, "worker disabled");
      return { worker: workerMessage(row) };
    },
    async drainWorker(request, context) {
      const actor = readActor(context);
      const row = await drainWorker(pool, request, actor);
      log.info({ worker: row.id, draining: row.draining, tokenName: actor.name }, "worker set to drain, or to go on");
      return { worker: workerMessage(row) };
    },
    async rotateWorkerKey(request, context) {
      const actor = readActor(context);
      const { row, keyFile } = await rotateWorkerKey(pool, o.secretKey, request.id, actor);
      log.info({ worker: row.id, tokenName: actor.name }, "keys of a worker made anew");
      return { worker: workerMessage(row), keyFile };
    },
    async deleteWorker(request, context) {
      const actor = readActor(context);
      await removeWorker(pool, request, actor);
      log.info({ worker: request.id, tokenName: actor.name }, "worker removed");
      return {};
    },
  };
}
