import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { errorCode, errorMessage } from "#common/error-details.ts";
import { foldName, judgeEntry, type EntryHeader } from "#worker/publish/judge-entry.ts";
import type { ManifestFile } from "#worker/publish/manifest.ts";
import { createPool } from "#worker/publish/pool.ts";
import { printName } from "#worker/publish/print-name.ts";
import { PublishError } from "#worker/publish/publish-error.ts";
import { readEntry, writeLargeFile, writeSmallFile, type MtimeOf, type TarEntry } from "#worker/publish/write-file.ts";

export type OutputLimits = { maxBytes: number; maxFiles: number };

/** More than the headers of an entry ever take, with its long name and its other attributes told apart from it. */
const headerBytes = 16 * 1024;

/** Files up to this size are held in memory and written several at a time; a larger one is streamed. */
const bufferLimit = 1024 * 1024;
const listed = 20;

/**
 * Writes an untrusted tar of an output folder into an empty folder: regular files and folders only, with modes of our own. The mtime of
 * each file comes from `mtimeOf`. All entries are judged before the tar is refused, so that the message names them together; but what is
 * not taken is bounded as well, by the sizes that its headers tell, before any of it is read.
 */
export async function unpackOutput(
  tar: Readable,
  folder: string,
  o: { limits: OutputLimits; mtimeOf: MtimeOf; signal: AbortSignal },
): Promise<{ files: ManifestFile[]; bytes: number }> {
  const files: ManifestFile[] = [];
  const refused: string[] = [];
  const known = new Map<string, string>();
  const folders = new Set<string>([""]);
  const pool = createPool({ tasks: 16, bytes: 16 * 1024 * 1024 });
  let bytes = 0;
  let skippedBytes = 0;
  let refusals = 0;
  let entries = 0;
  // Not files.length: some are still being written.
  let accepted = 0;
  let end = 0;

  const refuse = (name: string, why: string): void => {
    if (refusals++ < listed) refused.push(`${printName(name)}: ${why}`);
  };
  const refusal = (rest = ""): PublishError => {
    const more = refusals > listed ? `\n… and ${refusals - listed} more` : "";
    return new PublishError("output_refused", `the output holds what cannot be served:\n${refused.join("\n")}${more}${rest}`);
  };
  /** A limit that ends the reading: what was refused until then is the better reason, and is named. */
  const exceed = (what: string): PublishError =>
    refusals > 0 ? refusal(`\nThe rest of it was not looked at: ${what}`) : new PublishError("output_too_large", what);
  const skip = async (entry: TarEntry): Promise<void> => {
    skippedBytes += entry.header.size;
    if (skippedBytes > o.limits.maxBytes)
      throw exceed(
        `what is left out of the output is larger than the limit of ${o.limits.maxBytes} bytes (BUILD_DISK): with ${printName(entry.header.name)} it has at least ${skippedBytes} bytes`,
      );
    await readToEnd(entry);
  };
  /** False, and refused: a twin stands there already. */
  const claim = (path: string, twinKey: string): boolean => {
    const twin = known.get(twinKey);
    if (twin === undefined) known.set(twinKey, path);
    else if (twin !== path) refuse(path, `its name differs from ${printName(twin)} only in case or Unicode form`);
    return twin === undefined || twin === path;
  };
  const makeFolder = async (path: string): Promise<boolean> => {
    const parts = path === "" ? [] : path.split("/");
    for (let depth = 1; depth <= parts.length; depth++) {
      const at = parts.slice(0, depth).join("/");
      if (folders.has(at)) continue;
      if (!claim(at, foldName(at))) return false;
      if (folders.size >= o.limits.maxFiles)
        throw exceed(`the output has more folders than its limit of ${o.limits.maxFiles}: at least ${folders.size + 1}`);
      await mkdir(join(folder, at), { mode: 0o755 });
      folders.add(at);
    }
    return true;
  };
  const take = async (entry: TarEntry): Promise<void> => {
    const header: EntryHeader = { ...entry.header, pax: readPax(entry.header.pax) };
    const size = entry.header.size;
    // Where its content begins; tar-stream sets it and does not declare it.
    if ("byteOffset" in entry.header) end = Number(entry.header.byteOffset) + Math.ceil(size / 512) * 512;
    if (++entries > 4 * o.limits.maxFiles)
      throw exceed(
        `the output has more entries than its limit of ${4 * o.limits.maxFiles}, those that are left out counted too: at least ${entries}`,
      );
    const verdict = judgeEntry(header);
    if (verdict.kind === "refused") refuse(header.name, verdict.why);
    if (verdict.kind === "refused" || verdict.kind === "left out") return skip(entry);
    if (refusals > 0) {
      // Nothing is kept any more, but all that is wrong is named.
      claim(verdict.path, verdict.twinKey);
      return skip(entry);
    }
    if (verdict.kind === "folder") {
      await makeFolder(verdict.path);
      return skip(entry);
    }
    if (++accepted > o.limits.maxFiles)
      throw exceed(`the output has more files than its limit of ${o.limits.maxFiles}: at least ${accepted}`);
    bytes += size;
    if (bytes > o.limits.maxBytes)
      throw exceed(
        `the output is larger than its limit of ${o.limits.maxBytes} bytes (BUILD_DISK): with ${printName(verdict.path)} it has at least ${bytes} bytes`,
      );
    const parent = verdict.path.slice(0, Math.max(verdict.path.lastIndexOf("/"), 0));
    if (!(await makeFolder(parent))) return skip(entry);
    if (folders.has(verdict.path) || known.has(verdict.twinKey)) {
      if (claim(verdict.path, verdict.twinKey)) refuse(verdict.path, "it is there twice");
      return skip(entry);
    }
    claim(verdict.path, verdict.twinKey);
    const target = join(folder, verdict.path);
    if (size > bufferLimit) files.push(await writeLargeFile(entry, target, verdict.path, size, o.mtimeOf));
    else {
      const content = await collect(entry, size);
      await pool.add(size, async () => {
        files.push(await writeSmallFile(content, target, verdict.path, o.mtimeOf));
      });
    }
    return undefined;
  };

  const unpack = extract();
  let total = 0;
  const mostRead = 2 * o.limits.maxBytes + 4 * o.limits.maxFiles * headerBytes;
  const sink = async (): Promise<void> => {
    for await (const entry of unpack) await take(entry);
  };
  const reading = pipeline(
    tar,
    async function* count(source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        total += chunk.length;
        if (total > mostRead)
          throw exceed(`the output's tar is longer than its limits allow: at least ${total} bytes, of at most ${mostRead}`);
        yield chunk;
      }
    },
    unpack,
    { signal: o.signal },
  );
  // Both to their ends: what cannot be taken ends the reading too, and that is known first, as a stream that was closed too early.
  const settled = await Promise.allSettled([sink(), reading]);
  const errors: unknown[] = settled.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  if (errors.length > 0) {
    tar.destroy();
    await pool.settled();
    const error = errors.find((one) => one instanceof PublishError || isDiskError(one)) ?? errors.at(-1);
    if (error instanceof PublishError || o.signal.aborted || isDiskError(error)) throw error;
    throw new PublishError("output_unreadable", `the output's tar cannot be read: ${errorMessage(error)}`, { cause: error });
  }
  await pool.done();
  if (refusals > 0) throw refusal();
  // tar-stream takes an end between two entries for the end. A whole tar ends in two blocks of zeros; without them files may be missing.
  if (total < end + 1024) throw new PublishError("output_unreadable", "the output's tar ends before its end");
  if (files.length === 0) throw new PublishError("output_empty", "the output holds no file that can be served");
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), bytes };
}

function readPax(pax: unknown): Record<string, unknown> {
  return typeof pax === "object" && pax !== null ? { ...pax } : {};
}

async function readToEnd(entry: TarEntry): Promise<void> {
  entry.resume();
  await new Promise<void>((settle, refuse) => entry.once("end", settle).once("error", refuse));
}

async function collect(entry: TarEntry, size: number): Promise<Buffer> {
  const content = Buffer.allocUnsafe(size);
  let at = 0;
  for await (const chunk of readEntry(entry)) at += chunk.copy(content, at);
  return content;
}

function isDiskError(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EPERM"].includes(errorCode(error) ?? "");
}
