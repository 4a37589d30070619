/** What the caches of one trust may take: all together, and those of one repository (its own, or all its forks'). */
export type CacheBudget = { totalBytes: number; repositoryBytes: number };
export type CacheBudgets = Record<"repository" | "fork", CacheBudget>;
export type StoredCache = { key: string; bytes: number; /** Unix milliseconds. */ usedAt: number };

/** One that no build asked for in so long makes room first. */
const staleMs = 30 * 24 * 3_600_000;

/** The repository's id and the trust of a `cacheKey`; throws at any other name. */
export function parseCacheKey(key: string): { repository: string; trust: "repository" | "fork" } {
  const [, repository, trust] = /^(\d+)-(?:(repository)|fork-\d+)$/.exec(key) ?? [];
  if (repository === undefined) throw new Error(`${JSON.stringify(key)} is no cache's key`);
  return { repository, trust: trust === undefined ? "fork" : "repository" };
}

/**
 * The keys of the caches that must go. Each trust has its own budget, so what forks leave never costs a repository its cache. Within one,
 * the repository that holds most gives first, its longest unused cache before its others: whoever holds no more than its share of the
 * budget (budget by number of repositories) keeps it, whatever the others save. Pure.
 */
export function chooseEvictions(caches: readonly StoredCache[], budgets: CacheBudgets, now: number): string[] {
  const evicted: string[] = [];
  for (const trust of ["repository", "fork"] as const) {
    const { totalBytes, repositoryBytes } = budgets[trust];
    const ofTrust = caches.filter(({ key }) => parseCacheKey(key).trust === trust).toSorted((a, b) => a.usedAt - b.usedAt);
    const byRepository = Map.groupBy(ofTrust, ({ key }) => parseCacheKey(key).repository);
    const evict = (repository: string, cache: StoredCache): void => {
      evicted.push(cache.key);
      byRepository.set(
        repository,
        (byRepository.get(repository) ?? []).filter((one) => one !== cache),
      );
    };
    for (const [repository, own] of byRepository)
      for (const cache of own) if (sum(byRepository.get(repository)) > repositoryBytes) evict(repository, cache);
    const total = (): number => sum([...byRepository.values()].flat());
    for (const [repository, own] of byRepository)
      for (const cache of own) if (total() > totalBytes && now - cache.usedAt > staleMs) evict(repository, cache);
    while (total() > totalBytes) {
      const [repository, own] = [...byRepository].reduce((most, one) => (sum(one[1]) > sum(most[1]) ? one : most));
      evict(repository, own[0]!);
    }
  }
  return evicted;
}

function sum(caches: readonly StoredCache[] = []): number {
  return caches.reduce((bytes, cache) => bytes + cache.bytes, 0);
}
