import type { Logger } from "#common/logger.ts";
import type { Releasers } from "#common/lifecycle.ts";
import type { Acceptor } from "#worker/accept/create-acceptor.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import type { CacheStore } from "#worker/build/cache-store.ts";
import { createDiskGuard, type DiskGuard } from "#worker/disk/create-disk-guard.ts";
import type { Watermark } from "#worker/disk/parse-watermark.ts";
import { collectReleases } from "#worker/publish/collect-releases.ts";

/** The guard over this worker's own disk. */
export function startDiskGuard(o: {
  sitesDir: string;
  stateDir: string;
  watermark: Watermark;
  store: SiteStore;
  acceptor: Acceptor;
  caches: CacheStore;
  log: Logger;
  releasers: Releasers;
}): DiskGuard {
  const { store, acceptor, sitesDir } = o;
  const guard = createDiskGuard({
    folders: [sitesDir, o.stateDir],
    watermark: o.watermark,
    candidates: () =>
      [...store.all()].map(({ siteId, kind, live, liveAt, removal, changedAt }) => ({
        siteId,
        kind,
        isLive: live !== undefined && removal === undefined,
        isWorking: acceptor.isWorking(siteId),
        deployedAt: liveAt ?? changedAt,
      })),
    trim: (siteId) =>
      store.withLock(siteId, async () => {
        const live = store.get(siteId)?.live;
        // What is being published has no name yet, or is not live: both would be taken for old.
        if (live !== undefined && !acceptor.isWorking(siteId))
          await collectReleases(sitesDir, siteId, live.release, { releases: 0, bytes: 0 });
      }),
    // A build that runs may be about to read the cache that was not used for longest.
    dropCache: async () => acceptor.running() === 0 && o.caches.dropOldest(),
    evict: (siteId) => acceptor.evict(siteId),
    log: o.log,
  });
  o.releasers.push("disk guard", () => guard.stop());
  return guard;
}
