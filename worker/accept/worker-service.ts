import type { ServiceImpl } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { callerKey } from "#common/rpc/caller.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import { createRefusal } from "#common/rpc/refusal.ts";
import type { HandlerContext } from "@connectrpc/connect";
import {
  Outcome,
  type WorkerServiceListSitesRequest,
  type WorkerServiceListSitesResponse,
  type WorkerService,
} from "#gen/catapult/v1/worker_service_pb.js";
import type { Acceptor } from "#worker/accept/create-acceptor.ts";
import { refuseForkInProduction } from "#worker/accept/refuse-fork-in-production.ts";
import { refusingFullDisk } from "#worker/accept/refusing-full-disk.ts";
import { refuseVariables } from "#worker/accept/refuse-variables.ts";
import type { Readiness } from "#worker/accept/readiness.ts";

const retryAfterSeconds = 3n;

/** Decides on calls and does nothing else; the work reports by itself. */
export function createWorkerService(o: {
  acceptor: Acceptor;
  readiness: Readiness;
  listSites: (request: WorkerServiceListSitesRequest) => Promise<WorkerServiceListSitesResponse>;
}): ServiceImpl<typeof WorkerService> {
  return {
    async build(request, context) {
      requireCentral(context);
      refuseForkInProduction(request);
      refuseVariables(request);
      const { problems, soon } = await o.readiness.check();
      // Before the first proof nothing is known to be wrong, and it takes seconds.
      if (soon) return answer(Outcome.BUSY);
      if (problems.length > 0)
        throw reasonError(Code.FailedPrecondition, "worker_not_ready", `this worker is not ready: ${problems.join("; ")}`);
      return answer(await refusingFullDisk(async () => o.acceptor.build(request)));
    },
    async cleanup(request, context) {
      requireCentral(context);
      return answer(await refusingFullDisk(async () => o.acceptor.cleanup(request)));
    },
    async listSites(request, context) {
      requireCentral(context);
      return o.listSites(request);
    },
  };
}

function requireCentral(context: HandlerContext): void {
  // The gate has refused everybody else; without a caller a handler was mounted without its gate.
  if (context.values.get(callerKey)?.kind !== "central") throw createRefusal();
}

function answer(outcome: Outcome): { outcome: Outcome; retryAfter?: { seconds: bigint } } {
  return outcome === Outcome.BUSY ? { outcome, retryAfter: { seconds: retryAfterSeconds } } : { outcome };
}
