import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "#common/error-details.ts";

/** What a release holds. Lies beside it and is not served. `mtime` is in seconds, as Caddy's ETag is made of it and the size. */
export type Manifest = { release: string; bytes: number; files: ManifestFile[] };
export type ManifestFile = { path: string; size: number; sha256: string; mtime: number };

export function manifestFile(manifests: string, release: string): string {
  return join(manifests, `${release}.json`);
}

export async function readManifest(manifests: string, release: string): Promise<Manifest | undefined> {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own file, written whole by publishRelease
    return JSON.parse(await readFile(manifestFile(manifests, release), "utf8")) as Manifest;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}
