import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorCode } from "#common/error-details.ts";
import { chooseEvictions, parseCacheKey, type CacheBudgets, type StoredCache } from "#worker/build/choose-evictions.ts";

export type CacheStore = {
  /** The cache's tar, if there is one, and what it was saved for. */
  find(key: string): Promise<{ contentId: string; open: () => Readable } | undefined>;
  /**
   * Replaces a cache whole, unless it is larger than one may be, or `signal` ends it before its tar was read. Untrusted: it goes only back
   * into a build with the same key.
   */
  save(key: string, contentId: string, tar: Readable, signal?: AbortSignal): Promise<{ saved: boolean }>;
  /** Deletes the cache that was not used for longest, to make room; false: there is none. */
  dropOldest(): Promise<boolean>;
};

/** Caches of package managers and of Nix, one tar for each `cacheKey`, within the budgets. */
export async function openCacheStore(o: { folder: string; maxBytes: number; budgets: CacheBudgets }): Promise<CacheStore> {
  await mkdir(o.folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(o.folder)) if (name.endsWith(".tmp")) await rm(join(o.folder, name), { force: true });
  const tarFile = (key: string): string => join(o.folder, `${key}.tar`);
  const idFile = (key: string): string => join(o.folder, `${key}.id`);
  const remove = async (key: string): Promise<void> => {
    await rm(idFile(key), { force: true });
    await rm(tarFile(key), { force: true });
  };
  let counter = 0;
  return {
    async find(key) {
      try {
        const contentId = await readFile(idFile(key), "utf8");
        const now = new Date();
        await utimes(tarFile(key), now, now);
        return { contentId, open: () => createReadStream(tarFile(key)) };
      } catch (error) {
        if (errorCode(error) === "ENOENT") return undefined;
        throw error;
      }
    },
    async save(key, contentId, tar, signal) {
      // Not after it was written: a name that is nobody's would stay outside every budget.
      parseCacheKey(key);
      const temporary = join(o.folder, `${key}.${counter++}.tmp`);
      try {
        await pipeline(tar, limitBytes(o.maxBytes), createWriteStream(temporary, { mode: 0o600 }), { signal });
      } catch (error) {
        await rm(temporary, { force: true });
        if (error instanceof CacheTooLarge) return { saved: false };
        throw error;
      }
      // Without its id a cache is not found: a crash in between costs a download.
      await rm(idFile(key), { force: true });
      await rename(temporary, tarFile(key));
      await writeFile(idFile(key), contentId, { mode: 0o600 });
      const evicted = chooseEvictions(await listCaches(o.folder), o.budgets, Date.now());
      for (const one of evicted) await remove(one);
      return { saved: !evicted.includes(key) };
    },
    async dropOldest() {
      const oldest = (await listCaches(o.folder)).toSorted((a, b) => a.usedAt - b.usedAt)[0];
      if (oldest !== undefined) await remove(oldest.key);
      return oldest !== undefined;
    },
  };
}

/** The caches of a repository are never shared across trust; each fork's pull request has its own. */
export function cacheKey(o: { repositoryId: bigint; trust: "repository" | "fork"; pullRequest: bigint }): string {
  return o.trust === "repository" ? `${o.repositoryId}-repository` : `${o.repositoryId}-fork-${o.pullRequest}`;
}

class CacheTooLarge extends Error {}

function limitBytes(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length;
      if (bytes > maxBytes) next(new CacheTooLarge(`the cache has more than ${maxBytes} bytes`));
      else next(null, chunk);
    },
  });
}

async function listCaches(folder: string): Promise<StoredCache[]> {
  const tars = (await readdir(folder)).filter((name) => name.endsWith(".tar"));
  const found = await Promise.all(
    tars.map(async (name) => {
      // Two builds may end at once, and evict the same.
      const stats = await stat(join(folder, name)).catch(() => undefined);
      return stats === undefined ? [] : [{ key: name.slice(0, -".tar".length), bytes: stats.size, usedAt: stats.mtimeMs }];
    }),
  );
  return found.flat();
}
