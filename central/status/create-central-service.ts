import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { callerKey } from "#common/rpc/caller.ts";
import { touchWorker } from "#central/dispatch/sql/touch-worker.ts";
import type { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { reportStatus } from "./report-status.ts";

export function createCentralService(o: { pool: Pool; log: Logger }): ServiceImpl<typeof CentralService> {
  return {
    async reportStatus(request, context) {
      const caller = context.values.get(callerKey);
      if (caller?.kind !== "worker") throw new ConnectError("unauthenticated", Code.Unauthenticated);
      const answer = await reportStatus(o, caller.worker, request);
      await touchWorker(o.pool, caller.worker);
      return answer;
    },
  };
}
