import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#common/error-details.ts";
import { parseReleaseName } from "#worker/publish/release-name.ts";
import { liveFolder, liveTarget, sitePaths } from "#worker/publish/site-paths.ts";

/** A site's complete releases, the newest first: those whose folder and manifest are there. */
export async function listReleases(sitesDir: string, siteId: bigint): Promise<string[]> {
  const paths = sitePaths(sitesDir, siteId);
  const manifests = new Set(await list(paths.manifests));
  return (await list(paths.releases))
    .flatMap((name) => {
      const parsed = parseReleaseName(name);
      return parsed === undefined || !manifests.has(`${name}.json`) ? [] : [{ name, generation: parsed.generation }];
    })
    .toSorted((a, b) => (a.generation < b.generation ? 1 : -1))
    .map(({ name }) => name);
}

/** Whether a host's link leads to this release of this site. */
export async function isLinked(sitesDir: string, host: string, siteId: bigint, release: string): Promise<boolean> {
  try {
    return (await readlink(join(liveFolder(sitesDir), host))) === liveTarget(siteId, release);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "EINVAL") return false;
    throw error;
  }
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
