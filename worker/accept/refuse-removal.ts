import type { CleanupRequest } from "#gen/catapult/v1/worker_service_pb.js";
import type { SiteState } from "#worker/accept/site-state.ts";

/**
 * Why a removal contradicts what this worker knows of the site. A site keeps its host, and Central raises the generation before it asks for
 * a removal: a call that says otherwise means another site, or none.
 */
export function refuseRemoval(state: SiteState | undefined, request: CleanupRequest): string | undefined {
  const { siteId, generation, host } = request;
  if (state === undefined || state.removal === "done") return undefined;
  if (state.host !== host) return `site ${siteId} is served at ${state.host}, not at ${host}`;
  if (state.generation === generation && state.removal === undefined)
    return `generation ${generation} of site ${siteId} is a build`;
  return undefined;
}
