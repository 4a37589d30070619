import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { readHost } from "#test/support/host-watch.ts";
import { listEntries } from "#test/support/list-entries.ts";

/**
 * Holds around each test of a file that the host is as it was: its settings and files, the programs that this process has started, mounts and
 * programs in these folders, and what lies in them. For attacks that no build's container makes; `attack` watches those.
 */
export function watchAround(folders: () => readonly string[] = () => []): void {
  let before: Map<string, string>;
  beforeEach(async () => {
    before = await look(folders());
  });
  afterEach(async () => {
    // A program that was told to end may still be ending.
    await eventually(async () => expect(differ(before, await look(folders()))).toEqual([]));
  });
}

/** What is not as it was, each by its name. */
export function differ(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name) !== after.get(name));
}

export async function look(folders: readonly string[]): Promise<Map<string, string>> {
  const state = await readHost();
  for (const folder of folders) await readTree(folder, state);
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  for (const line of mounts) if (folders.some((folder) => line.includes(folder))) state.set(`mount ${line}`, "there");
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const [folder, stat] = await Promise.all([
      readlink(`/proc/${pid}/cwd`).catch(() => ""),
      readFile(`/proc/${pid}/stat`, "latin1").catch(() => ""),
    ]);
    const parent = /\) \S (\d+) /.exec(stat)?.[1];
    if (parent === String(process.pid) || folders.some((one) => folder.startsWith(one))) state.set(`process ${pid}`, "there");
  }
  return state;
}

async function readTree(folder: string, state: Map<string, string>): Promise<void> {
  for (const entry of await listEntries(folder)) {
    const path = join(entry.parentPath, entry.name);
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined && !found.isDirectory()) state.set(path, `${found.mode} ${found.size} ${found.mtimeMs}`);
    if (found?.isDirectory() === true) state.set(path, `${found.mode}`);
  }
}
