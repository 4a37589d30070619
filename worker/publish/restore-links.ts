import { switchLiveLink } from "#worker/publish/live-link.ts";
import { findRelease } from "#worker/publish/publish-release.ts";

/** After a start: each live link leads where the stored state says, however the worker before ended. Gives the hosts whose release is gone. */
export async function restoreLinks(
  sitesDir: string,
  sites: { siteId: bigint; host: string; release: string }[],
): Promise<string[]> {
  const missing: string[] = [];
  for (const { siteId, host, release } of sites) {
    if ((await findRelease(sitesDir, siteId, release)) === undefined) missing.push(host);
    else await switchLiveLink(sitesDir, host, siteId, release);
  }
  return missing;
}
