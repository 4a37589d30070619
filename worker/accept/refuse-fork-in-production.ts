import { invalidField } from "#common/rpc/invalid-field.ts";
import { SiteKind, Trust } from "#gen/catapult/v1/deployment_pb.js";
import type { BuildRequest } from "#gen/catapult/v1/worker_service_pb.js";

/** Throws if production would be built from anything but the repository's own. Central asks for none like that; whoever holds its key could. */
export function refuseForkInProduction(request: Pick<BuildRequest, "kind" | "trust">): void {
  if (request.kind !== SiteKind.PREVIEW && request.trust !== Trust.REPOSITORY)
    throw invalidField("trust", "production is built from the repository's own commits alone");
}
