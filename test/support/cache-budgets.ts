import type { CacheBudgets } from "#worker/build/choose-evictions.ts";

/** As much for each trust, and for each repository. */
export function evenBudgets(totalBytes: number): CacheBudgets {
  const budget = { totalBytes, repositoryBytes: totalBytes };
  return { repository: budget, fork: budget };
}
