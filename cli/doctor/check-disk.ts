import { statfs } from "node:fs/promises";
import path from "node:path";
import type { Need } from "./need.ts";

// The builder image and what it is put together from take 3 GB; the rest is for caches and releases.
const leastBytes = 5 * 1024 ** 3;

/** Whether the checkout's disk, where `.catapult/` lies, has room. */
export async function checkDisk(folder = path.join(import.meta.dirname, "../..")): Promise<Need> {
  const { bavail, bsize } = await statfs(folder);
  const bytes = bavail * bsize;
  const found = bytes >= leastBytes;
  const detail = `${(bytes / 1024 ** 3).toFixed(1)} GB free`;
  const advice = "the builder image, caches and sites need at least 5 GB: make room, or put the checkout on a larger disk";
  return { name: "disk", need: "required", found, detail, ...(!found && { advice }) };
}
