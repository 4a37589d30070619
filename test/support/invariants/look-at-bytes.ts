import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { maxOutputFiles, maxPackBytes } from "#worker/create-work.ts";
import { listEntries } from "../list-entries.ts";
import type { StackWorker } from "../stack.ts";
import type { Hold } from "./watch-caps.ts";

/** A pack, its index and git's own files: no file of the commit is checked out. */
const cloneBytes = 2 * maxPackBytes;
const cloneEntries = 1_000;
/** Of all in STATE_DIR that is neither a clone nor a cache: nonces, a file for each site, a seccomp profile, certificates. */
const stateBytes = 16 * 2 ** 20;
const stateEntries = 100;

/** The bytes and inodes of each clone, of each release, and of the worker's own state. */
export async function lookAtBytes(worker: StackWorker, hold: Hold): Promise<void> {
  const holdFolder = async (folder: string, bytes: number, entries: number): Promise<void> => {
    const held = await measure(folder);
    hold(worker.id, `bytes of ${folder}`, held.bytes, bytes);
    hold(worker.id, `inodes of ${folder}`, held.entries, entries);
  };
  const { stateDirectory, sitesDirectory } = worker;
  for (const name of await readNames(join(stateDirectory, "clones")))
    await holdFolder(join(stateDirectory, "clones", name), cloneBytes, cloneEntries);
  for (const id of await readNames(join(sitesDirectory, "sites"))) {
    const releases = join(sitesDirectory, "sites", id, "releases");
    for (const name of await readNames(releases))
      // As many folders as files.
      await holdFolder(join(releases, name), worker.limits.releaseBytes, 2 * maxOutputFiles);
  }
  const own = (await readNames(stateDirectory)).filter((name) => name !== "clones" && name !== "caches");
  const state = await Promise.all(own.map(async (name) => measure(join(stateDirectory, name))));
  hold(worker.id, "bytes of STATE_DIR", sum(state, "bytes"), stateBytes);
  // A site that was removed is remembered for 30 days.
  const known = (await readNames(join(stateDirectory, "sites"))).length;
  hold(worker.id, "inodes of STATE_DIR", sum(state, "entries") - known, stateEntries);
}

type Held = { bytes: number; entries: number };

/** A file, or a folder with all that is below it; what goes meanwhile counts as nothing. */
async function measure(path: string): Promise<Held> {
  const below = (await listEntries(path)).map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all([path, ...below].map(async (one) => lstat(one).catch(() => undefined)));
  const there = sizes.filter((one) => one !== undefined);
  return { bytes: there.filter((one) => one.isFile()).reduce((total, one) => total + one.size, 0), entries: there.length };
}

function sum(all: readonly Held[], what: keyof Held): number {
  return all.reduce((total, one) => total + one[what], 0);
}

async function readNames(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
