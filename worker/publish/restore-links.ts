import { readdir, readlink, rm } from "node:fs/promises";
import { join } from "node:path";
import { switchLiveLink } from "#worker/publish/live-link.ts";
import { findRelease } from "#worker/publish/publish-release.ts";
import { liveFolder } from "#worker/publish/site-paths.ts";

/**
 * After a start: each live link leads where the stored state says, however the worker before ended, and a host that no state has keeps none.
 * Gives the hosts whose release is gone.
 */
export async function restoreLinks(
  sitesDir: string,
  sites: { siteId: bigint; host: string; release: string }[],
): Promise<string[]> {
  const missing: string[] = [];
  for (const { siteId, host, release } of sites) {
    if ((await findRelease(sitesDir, siteId, release)) === undefined) missing.push(host);
    else await switchLiveLink(sitesDir, host, siteId, release);
  }
  const hosts = new Set(sites.map(({ host }) => host));
  const folder = liveFolder(sitesDir);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (hosts.has(entry.name) || !entry.isSymbolicLink()) continue;
    const link = join(folder, entry.name);
    // Only what a worker makes; whatever else lies there was put there by somebody.
    if ((await readlink(link)).startsWith("../sites/")) await rm(link, { force: true });
  }
  return missing;
}
