/** A site with its newest deployment, as the database has it. */
export type SiteNow = {
  generation: bigint;
  state: "wanted" | "removing" | "removed" | "evicted";
  newest: { commit: string; state: string; timesLost?: number } | null;
};

/** A commit that takes its worker down, or outlives it, this often is handed to a worker again only after a pause. */
export const maxLost = 3;

/**
 * What becomes of a commit that should be live: a new deployment, the release of the one that is held (its approval came, or forks are built
 * without one now), or nothing.
 */
export function nextStep(site: SiteNow, desired: { commit: string; held: boolean }): "deploy" | "release" | "nothing" {
  if (!isDesiredAlready(site, desired.commit)) return "deploy";
  return site.newest?.state === "held" && !desired.held ? "release" : "nothing";
}

/**
 * Whether a commit is what the site has or is getting already: then nothing new is made of it, so that a commit is built once however often it
 * is delivered. A failed or canceled one is not tried again by a repeat; a lost or superseded one, and any on a site that was removed, is. What was
 * evicted is not: its worker had no room for it, and would have to make that room again. Nor is one that was lost too often: looking at it once more would take its worker down once more.
 */
export function isDesiredAlready(site: SiteNow, commit: string): boolean {
  if (site.newest === null || site.newest.commit !== commit) return false;
  if (site.state === "evicted") return true;
  if (site.state !== "wanted") return false;
  if (site.newest.state === "lost") return (site.newest.timesLost ?? 1) >= maxLost;
  return site.newest.state !== "superseded";
}
