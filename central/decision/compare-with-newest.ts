/** A site with its newest deployment, as the database has it. */
export type SiteNow = {
  generation: bigint;
  state: "wanted" | "removing" | "removed";
  newest: { commit: string; state: string } | null;
};

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
 * is delivered. A failed or canceled one is not tried again by a repeat; a lost or superseded one, and any on a site that was removed, is.
 */
export function isDesiredAlready(site: SiteNow, commit: string): boolean {
  if (site.state !== "wanted" || site.newest === null || site.newest.commit !== commit) return false;
  return site.newest.state !== "lost" && site.newest.state !== "superseded";
}
