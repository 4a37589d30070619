/** What is known of a site when room is needed. */
export type EvictionCandidate = {
  siteId: bigint;
  kind: "preview" | "production";
  isLive: boolean;
  isWorking: boolean;
  /** When it was deployed, in milliseconds since 1970. */
  deployedAt: number;
};

/**
 * The previews that may go to make room, those first that were deployed longest ago. Never a production site, with its releases for a rollback,
 * nor a preview that is being worked on: what it brings would be gone before it was seen.
 */
export function orderEvictions(sites: readonly EvictionCandidate[]): bigint[] {
  return sites
    .filter(({ kind, isLive, isWorking }) => kind === "preview" && isLive && !isWorking)
    .toSorted((a, b) => a.deployedAt - b.deployedAt || (a.siteId < b.siteId ? -1 : 1))
    .map(({ siteId }) => siteId);
}
