import type { ConnectRouter } from "@connectrpc/connect";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import type { OperatorContext } from "./operator-context.ts";
import { createOperatorService } from "./operator-service.ts";

/** A stream may last as long as a build that waits and runs. */
const maxStreamMs = 24 * 3_600_000;

/** Adds OperatorService to a server; its stream may have a later deadline than calls that answer at once. */
export function addOperatorService(router: ConnectRouter, o: OperatorContext): void {
  const service = createOperatorService(o);
  router.service(OperatorService, service);
  const watch = OperatorService.method.watchDeployment;
  // Of two handlers of one path the later counts.
  router.rpc(watch, service.watchDeployment, { maxTimeoutMs: maxStreamMs });
}
