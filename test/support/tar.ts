import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";

export type TarEntry = {
  name: string;
  body?: string | Buffer;
  type?: "file" | "symlink" | "link" | "directory" | "fifo" | "character-device";
  linkname?: string;
};

/** A tar of entries, in their order. */
export async function packTar(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { name, body, type, linkname } of entries) {
    tar.entry({ name, ...(type === undefined ? {} : { type }), ...(linkname === undefined ? {} : { linkname }) }, body ?? "");
  }
  tar.finalize();
  return buffer(Readable.from(tar, { objectMode: false }));
}

export function packFiles(files: Record<string, string | Buffer>): Promise<Buffer> {
  return packTar(Object.entries(files).map(([name, body]) => ({ name, body })));
}
