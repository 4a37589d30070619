import type { Logger } from "#common/logger.ts";
import { judgeDisk } from "#worker/disk/judge-disk.ts";
import { measureDisk, type DiskSpace } from "#worker/disk/measure-disk.ts";
import { orderEvictions, type EvictionCandidate } from "#worker/disk/order-evictions.ts";
import type { Watermark } from "#worker/disk/parse-watermark.ts";

/** What metrics read. Bytes are of SITES_DIR's file system, as last measured. */
export type DiskCounts = { freeBytes: number; totalBytes: number; evictedPreviews: number };

export type DiskGuard = {
  /** What is short at this moment, undefined for nothing; if something is, making room begins. */
  check(): Promise<string | undefined>;
  /** Makes room where it is short. Calls at the same time share one look. */
  look(): Promise<void>;
  readonly counts: Readonly<DiskCounts>;
  stop(): void;
};

export type DiskGuardOptions = {
  /** The folder whose file system holds the releases, first, and others that the worker writes to. */
  folders: readonly [string, ...string[]];
  watermark: Watermark;
  candidates: () => EvictionCandidate[];
  /** Deletes the releases of a preview that are not live. */
  trim: (siteId: bigint) => Promise<void>;
  /** Deletes the cache that was not used for longest; false: there is none, or one may be in use. */
  dropCache: () => Promise<boolean>;
  /** Removes a preview; false: it may not go any more. */
  evict: (siteId: bigint) => Promise<boolean>;
  log: Logger;
  measure?: (folder: string) => Promise<DiskSpace>;
  intervalMs?: number;
};

/**
 * Keeps room on the disk of the releases: below the watermark old releases of previews go first, then caches, then whole previews, one
 * after the other, until there is some room to spare.
 */
export function createDiskGuard(o: DiskGuardOptions): DiskGuard {
  const measure = o.measure ?? measureDisk;
  const [releases] = o.folders;
  const counts: DiskCounts = { freeBytes: 0, totalBytes: 0, evictedPreviews: 0 };
  let stopped = false;
  const looksForRoom = async (): Promise<boolean> => {
    const space = await measure(releases);
    Object.assign(counts, { freeBytes: space.freeBytes, totalBytes: space.totalBytes });
    return !judgeDisk(space, o.watermark).roomy;
  };
  const makeRoom = async (): Promise<void> => {
    const order = (): bigint[] => orderEvictions(o.candidates());
    for (const siteId of order()) {
      await o.trim(siteId);
      if (!(await looksForRoom())) return;
    }
    while (await o.dropCache()) if (!(await looksForRoom())) return;
    for (const siteId of order()) {
      if (stopped) return;
      if (!(await o.evict(siteId))) continue;
      counts.evictedPreviews++;
      o.log.warn(
        { site: String(siteId) },
        "the disk is nearly full: a preview was removed, the one that was deployed longest ago",
      );
      if (!(await looksForRoom())) return;
    }
  };
  const findShortage = async (): Promise<string | undefined> => {
    for (const folder of o.folders) {
      const space = await measure(folder);
      if (folder === releases) Object.assign(counts, { freeBytes: space.freeBytes, totalBytes: space.totalBytes });
      const { shortOf } = judgeDisk(space, o.watermark);
      if (shortOf !== undefined) return shortOf;
    }
    return undefined;
  };
  const run = async (): Promise<void> => {
    try {
      if (judgeDisk(await measure(releases), o.watermark).shortOf !== undefined) await makeRoom();
    } catch (err) {
      o.log.error({ err }, "no room could be made on a disk that is nearly full; it is tried again");
    }
  };
  let running: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    if (!stopped) await (running ??= run().finally(() => (running = undefined)));
  };
  const timer = setInterval(() => void look(), o.intervalMs ?? 15_000);
  return {
    async check() {
      const shortage = await findShortage();
      if (shortage !== undefined) void look();
      return shortage;
    },
    look,
    counts,
    // Without waiting: a removal that is under way ends with the rest of the work.
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}
