import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * Every entry below a folder in which daemons are at work: what goes while it is read (a clone, a temporary file) is left out, where
 * `readdir`'s own recursion would throw.
 */
export async function listEntries(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
    throw error;
  });
  const found = [...entries];
  for (const entry of entries) if (entry.isDirectory()) found.push(...(await listEntries(join(folder, entry.name))));
  return found;
}

/** The paths of every regular file below such a folder. */
export async function listFiles(folder: string): Promise<string[]> {
  return (await listEntries(folder)).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
