import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#common/error-details.ts";
import { manifestFile, readManifest } from "#worker/publish/manifest.ts";
import { parseReleaseName } from "#worker/publish/release-name.ts";
import { removeTree } from "#worker/publish/remove-tree.ts";
import { liveFolder, siteFolder, sitePaths, temporaryPrefix } from "#worker/publish/site-paths.ts";

/** How many of a site's newest releases are kept for rollbacks, and how many bytes they may have together. */
export type Keep = { releases: number; bytes: number };

/** Deletes all releases of a site but the live one and the newest within `keep`. */
export async function collectReleases(sitesDir: string, siteId: bigint, live: string, keep: Keep): Promise<void> {
  const paths = sitePaths(sitesDir, siteId);
  const releases = (await list(paths.releases))
    .flatMap((name) => {
      const parsed = parseReleaseName(name);
      return parsed === undefined ? [] : [{ name, generation: parsed.generation }];
    })
    .toSorted((a, b) => (a.generation < b.generation ? 1 : -1));
  const kept = new Set([live]);
  let bytes = 0;
  for (const { name } of releases.slice(0, keep.releases)) {
    bytes += (await readManifest(paths.manifests, name))?.bytes ?? 0;
    if (bytes > keep.bytes) break;
    kept.add(name);
  }
  for (const { name } of releases) if (!kept.has(name)) await removeTree(join(paths.releases, name));
  const manifests = new Set([...kept].map((name) => manifestFile(paths.manifests, name)));
  for (const name of await list(paths.manifests)) {
    const file = join(paths.manifests, name);
    if (!manifests.has(file)) await rm(file, { force: true });
  }
}

/** What a worker that died left half-made. Only for the start, when nothing publishes. */
export async function removeTemporaries(sitesDir: string): Promise<void> {
  for (const name of await list(liveFolder(sitesDir))) {
    if (name.startsWith(".")) await rm(join(liveFolder(sitesDir), name), { force: true });
  }
  for (const site of await list(siteFolder(sitesDir))) {
    const releases = join(siteFolder(sitesDir), site, "releases");
    for (const name of await list(releases)) if (name.startsWith(temporaryPrefix)) await removeTree(join(releases, name));
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
