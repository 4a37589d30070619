import { statfs } from "node:fs/promises";

/** What a file system has. Inodes are 0 of 0 where it has no fixed number of them. */
export type DiskSpace = { freeBytes: number; totalBytes: number; freeInodes: number; totalInodes: number };

/** `freeBytes` is what a process without privileges may still write. */
export async function measureDisk(folder: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize, ffree, files } = await statfs(folder);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize, freeInodes: ffree, totalInodes: files };
}
