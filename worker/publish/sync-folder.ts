import { execFile } from "node:child_process";
import { open } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Brings everything that was written on a folder's filesystem to the disk, by one syncfs. For 2,000 files (40 MB) this took 0.1 s where an
 * fsync for each took 0.65 s, 16 at a time 0.2 to 0.6 s.
 */
export async function syncFilesystem(folder: string): Promise<void> {
  await run("sync", ["-f", "--", folder], { timeout: 120_000 });
}

/** Makes a folder's own entries (a rename, a new link) durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
