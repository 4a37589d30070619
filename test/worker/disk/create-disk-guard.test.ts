import { afterEach, beforeEach, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { createDiskGuard, type DiskGuard } from "#worker/disk/create-disk-guard.ts";
import type { EvictionCandidate } from "#worker/disk/order-evictions.ts";

/** A disk of 100 bytes with a watermark of 10, and what was done to it. */
let free: number;
let stateFree: number;
let done: string[];
/** What each step gives back. */
let gains: Record<string, number>;
let caches: number;
let guard: DiskGuard;

const site = (siteId: bigint, deployedAt: number, changes: Partial<EvictionCandidate> = {}): EvictionCandidate => ({
  siteId,
  deployedAt,
  kind: "preview",
  isLive: true,
  isWorking: false,
  ...changes,
});

function act(what: string): void {
  done.push(what);
  free += gains[what.split(" ")[0] ?? ""] ?? 0;
}

beforeEach(() => {
  [free, stateFree, caches, done, gains] = [5, 50, 1, [], {}];
  guard = createDiskGuard({
    folders: ["/releases", "/state"],
    watermark: { bytes: 10 },
    candidates: () =>
      [site(1n, 3), site(2n, 1), site(3n, 2), site(4n, 0, { kind: "production" })].filter(
        ({ siteId }) => !done.includes(`evict ${siteId}`),
      ),
    trim: async (siteId) => act(`trim ${siteId}`),
    dropCache: async () => {
      if (caches === 0) return false;
      caches--;
      act("cache");
      return true;
    },
    evict: async (siteId) => {
      act(`evict ${siteId}`);
      return true;
    },
    log: createLogger({ name: "test", level: "silent" }),
    measure: async (folder) => ({
      freeBytes: folder === "/state" ? stateFree : free,
      totalBytes: 100,
      freeInodes: 0,
      totalInodes: 0,
    }),
    intervalMs: 2 ** 30,
  });
});
afterEach(() => guard.stop());

test("While there is room nothing is touched", async () => {
  free = 10;
  await guard.look();
  expect(await guard.check()).toBeUndefined();
  expect([done, guard.counts]).toEqual([[], { freeBytes: 10, totalBytes: 100, evictedPreviews: 0 }]);
});

test("Old releases of previews go first, then caches, then previews, and no more than is needed", async () => {
  gains = { trim: 2 };
  await guard.look();
  expect(done).toEqual(["trim 2", "trim 3", "trim 1"]);
  [free, done, gains] = [5, [], { cache: 6 }];
  await guard.look();
  expect(done).toEqual(["trim 2", "trim 3", "trim 1", "cache"]);
  [free, done, gains] = [5, [], { evict: 3 }];
  await guard.look();
  expect(done).toEqual(["trim 2", "trim 3", "trim 1", "evict 2", "evict 3"]);
  expect(guard.counts.evictedPreviews).toBe(2);
});

test("A disk that stays short is told with its figures, and no production site is touched for it", async () => {
  await guard.look();
  expect(done.filter((what) => what.startsWith("evict"))).toEqual(["evict 2", "evict 3", "evict 1"]);
  expect(await guard.check()).toContain("DISK_LOW_WATERMARK");
});

test("A shortage where the worker keeps its state is told, though removing previews would not mend it", async () => {
  [free, stateFree] = [50, 5];
  expect(await guard.check()).toContain("DISK_LOW_WATERMARK");
  await guard.look();
  expect(done).toEqual([]);
});

test("Looks at the same time are one", async () => {
  gains = { evict: 100 };
  await Promise.all([guard.look(), guard.look(), guard.check()]);
  expect(done.filter((what) => what.startsWith("evict"))).toEqual(["evict 2"]);
});
