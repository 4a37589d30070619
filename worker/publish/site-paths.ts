import { join } from "node:path";

/** Where a site's things lie under SITES_DIR. `siteId` and `host` are validated by the proto's rules. */
export type SitePaths = { site: string; releases: string; manifests: string };

/** Temporary release folders begin so; a start deletes them. */
export const temporaryPrefix = ".publish-";

export function siteFolder(sitesDir: string): string {
  return join(sitesDir, "sites");
}

export function liveFolder(sitesDir: string): string {
  return join(sitesDir, "live");
}

export function sitePaths(sitesDir: string, siteId: bigint): SitePaths {
  const site = join(siteFolder(sitesDir), String(siteId));
  return { site, releases: join(site, "releases"), manifests: join(site, "manifests") };
}

/** The live link's target, relative so that the tree can be moved or mounted elsewhere. */
export function liveTarget(siteId: bigint, release: string): string {
  return `../sites/${siteId}/releases/${release}`;
}
