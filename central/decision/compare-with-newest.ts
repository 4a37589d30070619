/** A site with its newest deployment, as the database has it. */
export type SiteNow = {
  generation: bigint;
  state: "wanted" | "removing" | "removed";
  newest: { commit: string; state: string } | null;
};

/**
 * Whether a commit is what the site has or is getting already: then nothing new is made of it, so that a commit is built once however often it
 * is delivered. A failed or canceled one is not tried again by a repeat; a lost or superseded one, and any on a site that was removed, is.
 */
export function isDesiredAlready(site: SiteNow, commit: string): boolean {
  if (site.state !== "wanted" || site.newest === null || site.newest.commit !== commit) return false;
  return site.newest.state !== "lost" && site.newest.state !== "superseded";
}
