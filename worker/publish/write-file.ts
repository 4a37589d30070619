import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { ExtractEvents } from "tar-stream";
import type { ManifestFile } from "#worker/publish/manifest.ts";

/** An entry of a tar that is being read: its header and its content. */
export type TarEntry = ExtractEvents["entry"][1];
/** The modification time, in seconds, that a file of a release gets. */
export type MtimeOf = (file: Omit<ManifestFile, "mtime">) => number;

export async function writeSmallFile(content: Buffer, target: string, path: string, mtimeOf: MtimeOf): Promise<ManifestFile> {
  const file = { path, size: content.length, sha256: createHash("sha256").update(content).digest("hex") };
  const mtime = mtimeOf(file);
  const handle = await open(target, "wx", 0o444);
  try {
    if (content.length > 0) await handle.writeFile(content);
    await handle.utimes(mtime, mtime);
  } finally {
    await handle.close();
  }
  return { ...file, mtime };
}

export async function writeLargeFile(
  entry: TarEntry,
  target: string,
  path: string,
  size: number,
  mtimeOf: MtimeOf,
): Promise<ManifestFile> {
  const hash = createHash("sha256");
  const handle = await open(target, "wx", 0o444);
  try {
    for await (const chunk of readEntry(entry)) {
      hash.update(chunk);
      await handle.writeFile(chunk);
    }
    const file = { path, size, sha256: hash.digest("hex") };
    const mtime = mtimeOf(file);
    await handle.utimes(mtime, mtime);
    return { ...file, mtime };
  } finally {
    await handle.close();
  }
}

export async function* readEntry(entry: TarEntry): AsyncGenerator<Buffer> {
  for await (const chunk of entry) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("tar-stream gave something else than bytes");
    yield chunk;
  }
}
