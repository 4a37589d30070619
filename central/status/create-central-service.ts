import { Code, type ServiceImpl } from "@connectrpc/connect";
import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { callerKey } from "#common/rpc/caller.ts";
import { touchWorker } from "#central/dispatch/sql/touch-worker.ts";
import type { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { reasonError } from "#common/rpc/reason-error.ts";
import { createRefusal } from "#common/rpc/refusal.ts";
import { noteKeyUse } from "./sql/note-key-use.ts";
import { createRateLimit } from "./create-rate-limit.ts";
import { type EndedDeployment, reportStatus } from "./report-status.ts";

/** A busy slot reports every 1.5 s. Were all 256 of a worker busy, each would still be heard well within its lease; one report costs 5 ms. */
const reportRate = { perSecond: 50, burst: 200 };

export function createCentralService(o: {
  pool: Pool;
  log: Logger;
  onEnded?: (ended: EndedDeployment) => void;
}): ServiceImpl<typeof CentralService> {
  const limit = createRateLimit(reportRate);
  // One for each key that was ever used while this replica runs.
  const usedKeys = new Set<string>();
  return {
    async reportStatus(request, context) {
      const caller = context.values.get(callerKey);
      if (caller?.kind !== "worker") throw createRefusal();
      if (!limit.take(caller.worker)) {
        throw reasonError(
          Code.ResourceExhausted,
          "rate_limited",
          `more than ${reportRate.perSecond} reports a second; report again later`,
        );
      }
      const { ended, ...answer } = await reportStatus(o, caller.worker, request);
      if (ended !== undefined) o.onEnded?.(ended);
      await touchWorker(o.pool, caller.worker);
      if (caller.kid !== undefined && !usedKeys.has(caller.kid)) {
        await noteKeyUse(o.pool, caller.kid);
        usedKeys.add(caller.kid);
      }
      return answer;
    },
  };
}
