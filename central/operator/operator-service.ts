import type { ServiceImpl } from "@connectrpc/connect";
import { createDeploymentFeeds } from "#central/watch/create-deployment-feeds.ts";
import type { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { createAuditMethods } from "./audit-methods.ts";
import { createConfigMethods } from "./config-methods.ts";
import { createDeploymentMethods } from "./deployment-methods.ts";
import { createEnvironmentMethods } from "./environment-methods.ts";
import type { OperatorContext } from "./operator-context.ts";
import { createSiteMethods } from "./site-methods.ts";
import { createTokenMethods } from "./token-methods.ts";
import { createWorkerMethods } from "./worker-methods.ts";

export { createToken, findToken } from "./tokens.ts";

/** What operators ask of Central. The server's guard has let the caller in and the proto's rules hold before a method here is called. */
export function createOperatorService(
  o: Omit<OperatorContext, "feeds"> & Partial<Pick<OperatorContext, "feeds">>,
): ServiceImpl<typeof OperatorService> {
  const context: OperatorContext = { ...o, feeds: o.feeds ?? createDeploymentFeeds(o) };
  return {
    ...createEnvironmentMethods(context),
    ...createWorkerMethods(context),
    ...createConfigMethods(context),
    ...createSiteMethods(context),
    ...createDeploymentMethods(context),
    ...createTokenMethods(context),
    ...createAuditMethods(context),
  };
}
