import * as fc from "fast-check";
import { expect, test } from "vitest";
import { chooseEvictions, parseCacheKey, type StoredCache } from "#worker/build/choose-evictions.ts";

const day = 24 * 3_600_000;
const now = 100 * day;
const anyCaches = fc.uniqueArray(
  fc.record({
    key: fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 0, max: 4 }))
      .map(([id, pull]) => (pull === 0 ? `${id}-repository` : `${id}-fork-${pull}`)),
    bytes: fc.integer({ min: 0, max: 100 }),
    usedAt: fc.integer({ min: now - 29 * day, max: now }),
  }),
  { selector: ({ key }) => key, maxLength: 30 },
);
const anyBudget = fc.record({ totalBytes: fc.integer({ min: 0, max: 400 }), repositoryBytes: fc.integer({ min: 0, max: 200 }) });
const anyBudgets = fc.record({ repository: anyBudget, fork: anyBudget });
const sum = (caches: StoredCache[]): number => caches.reduce((bytes, cache) => bytes + cache.bytes, 0);

test("whatever is stored, both trusts and each repository are within their budgets afterwards", () => {
  fc.assert(
    fc.property(anyCaches, anyBudgets, (caches, budgets) => {
      const evicted = new Set(chooseEvictions(caches, budgets, now));
      const kept = caches.filter(({ key }) => !evicted.has(key));
      for (const trust of ["repository", "fork"] as const) {
        const ofTrust = kept.filter(({ key }) => parseCacheKey(key).trust === trust);
        expect(sum(ofTrust)).toBeLessThanOrEqual(budgets[trust].totalBytes);
        for (const own of Map.groupBy(ofTrust, ({ key }) => parseCacheKey(key).repository).values())
          expect(sum(own)).toBeLessThanOrEqual(budgets[trust].repositoryBytes);
      }
    }),
  );
});

test("B8 whoever holds no more than its share keeps it, whatever the others and whatever forks hold", () => {
  fc.assert(
    fc.property(anyCaches, anyBudgets, (caches, budgets) => {
      const evicted = new Set(chooseEvictions(caches, budgets, now));
      for (const trust of ["repository", "fork"] as const) {
        const ofTrust = caches.filter(({ key }) => parseCacheKey(key).trust === trust);
        const groups = [...Map.groupBy(ofTrust, ({ key }) => parseCacheKey(key).repository).values()];
        const { totalBytes, repositoryBytes } = budgets[trust];
        const share = Math.min(totalBytes / groups.length, repositoryBytes);
        for (const own of groups.filter((one) => sum(one) <= share))
          expect(own.filter(({ key, bytes }) => bytes > 0 && evicted.has(key))).toEqual([]);
      }
    }),
  );
});

test("of two that could go, one that no build asked for in a month goes first, however small", () => {
  const budgets = { repository: { totalBytes: 100, repositoryBytes: 100 }, fork: { totalBytes: 0, repositoryBytes: 0 } };
  const caches = [
    { key: "1-repository", bytes: 90, usedAt: now },
    { key: "2-repository", bytes: 20, usedAt: now - 31 * day },
  ];
  expect(chooseEvictions(caches, budgets, now)).toEqual(["2-repository"]);
});
