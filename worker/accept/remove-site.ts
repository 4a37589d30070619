import { create } from "@bufbuild/protobuf";
import { setTimeout as sleep } from "node:timers/promises";
import { failpoint } from "#common/failpoint.ts";
import type { Logger } from "#common/logger.ts";
import { ReportStatusRequestSchema } from "#gen/catapult/v1/central_service_pb.js";
import type { CleanupRequest } from "#gen/catapult/v1/worker_service_pb.js";
import type { ResultReporter } from "#worker/accept/create-result-reporter.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import { removeLiveLink } from "#worker/publish/live-link.ts";
import { removeTree } from "#worker/publish/remove-tree.ts";
import { sitePaths } from "#worker/publish/site-paths.ts";
import type { Router } from "#worker/route/create-router.ts";

export type RemoveDependencies = {
  store: SiteStore;
  router: Router;
  results: ResultReporter;
  sitesDir: string;
  log: Logger;
};

/**
 * Removes a site: the route first, so that no request meets half of it, then the link, then the files. What fails is tried again until it
 * works, or until a newer generation or the worker's end stops it; a start goes on with it.
 */
export async function removeSite(o: RemoveDependencies, request: CleanupRequest, signal: AbortSignal): Promise<void> {
  const { siteId, generation } = request;
  const log = o.log.child({ site: String(siteId), generation: String(generation) });
  for (let tries = 0; ; tries++) {
    try {
      await o.router.reconcile();
      const host = o.store.get(siteId)?.host ?? request.host;
      await removeLiveLink(o.sitesDir, host, siteId);
      await failpoint("remove.before-files");
      await removeTree(sitePaths(o.sitesDir, siteId).site);
      break;
    } catch (err) {
      log.error({ err, tries }, "removing a site failed; it is tried again");
    }
    await sleep(Math.min(500 * 2 ** tries, 15_000), undefined, { signal });
  }
  await failpoint("remove.before-store");
  const evicted = o.store.get(siteId)?.evicted === true;
  const finished = create(ReportStatusRequestSchema, { siteId, generation, siteRemoved: true, evicted });
  const isNewest = await o.store.withLock(siteId, async () => {
    const state = o.store.get(siteId);
    if (state?.generation !== generation) return false;
    const { live: _, liveAt: __, ...gone } = state;
    await o.store.put({ ...gone, removal: "done", finished, unreported: true, changedAt: Date.now() });
    return true;
  });
  log.info({ evicted }, "site removed");
  // A newer generation is being built: what is gone is no news.
  if (isNewest) o.results.report(finished);
}
