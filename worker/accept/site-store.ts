import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createKeyedLock } from "#worker/accept/keyed-lock.ts";
import { formatSiteState, parseSiteState, type SiteState } from "#worker/accept/site-state.ts";
import { writeDurably } from "#worker/publish/write-durably.ts";

export type SiteStore = {
  get(siteId: bigint): SiteState | undefined;
  all(): Iterable<SiteState>;
  /** Settles once it is on the disk. Only inside `withLock`. */
  put(state: SiteState): Promise<void>;
  withLock<T>(siteId: bigint, work: () => Promise<T>): Promise<T>;
  /** Forgets sites that have been gone for longer than `keepMs`. */
  forgetRemoved(keepMs: number): Promise<void>;
};

/** One file per site in `folder`, all of them in memory too: 10,000 sites are a few megabytes. */
export async function openSiteStore(folder: string): Promise<SiteStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const states = new Map<bigint, SiteState>();
  const withLock = createKeyedLock();
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (!/^[0-9]+\.json$/.test(name)) {
      // A write that a crash cut off; the file that it was to replace is whole.
      if (name.endsWith(".tmp")) await rm(file, { force: true });
      continue;
    }
    try {
      const state = parseSiteState(await readFile(file, "utf8"));
      states.set(state.siteId, state);
    } catch (error) {
      throw new Error(
        `${file} holds what this worker knows of a site and cannot be read; restore or, if the site may be built anew, remove it`,
        {
          cause: error,
        },
      );
    }
  }
  const fileOf = (siteId: bigint): string => join(folder, `${siteId}.json`);
  return {
    get: (siteId) => states.get(siteId),
    all: () => states.values(),
    async put(state) {
      await writeDurably(fileOf(state.siteId), formatSiteState(state));
      states.set(state.siteId, state);
    },
    withLock,
    async forgetRemoved(keepMs) {
      for (const { siteId } of [...states.values()].filter((state) => isForgettable(state, keepMs))) {
        await withLock(siteId, async () => {
          const state = states.get(siteId);
          if (state === undefined || !isForgettable(state, keepMs)) return;
          states.delete(siteId);
          await rm(fileOf(siteId), { force: true });
        });
      }
    },
  };
}

function isForgettable(state: SiteState, keepMs: number): boolean {
  return state.removal === "done" && Date.now() - state.changedAt > keepMs;
}
