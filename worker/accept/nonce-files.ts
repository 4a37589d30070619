import { mkdir, open, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode } from "#common/error-details.ts";
import type { NonceStore } from "#common/rpc/nonces.ts";
import { syncFolder } from "#worker/publish/sync-folder.ts";

/** Two windows of 300 s and as much again: a nonce stays in one of the two files for at least this long. */
const turnMs = 20 * 60_000;

/**
 * The nonces of the signature window, kept over restarts: an append-only file that is synced before a nonce counts as taken, and the one
 * before it. Every turn the older is forgotten.
 */
export async function openNonceFiles(
  folder: string,
  now: () => number = Date.now,
): Promise<NonceStore & { close(): Promise<void> }> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const currentFile = join(folder, "current");
  const previousFile = join(folder, "previous");
  let previous = (await load(previousFile)).nonces;
  let { nonces: current, since } = await load(currentFile);
  // Not ours, or cut by hand: taken for new, for what it holds may be.
  if (since === 0) since = now();
  let file: FileHandle | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const openFile = async (): Promise<FileHandle> => {
    if (since === undefined) {
      const began = now();
      file = await create(currentFile, `${began}\n`);
      since = began;
    }
    return (file ??= await open(currentFile, "a", 0o600));
  };
  const turn = async (): Promise<void> => {
    if (since === undefined || now() - since < turnMs) return;
    await file?.close();
    file = undefined;
    await rename(currentFile, previousFile);
    previous = now() - since < 2 * turnMs ? current : new Set();
    current = new Set();
    since = undefined;
  };
  const append = async (entry: string): Promise<void> => {
    await turn();
    current.add(entry);
    const handle = await openFile();
    // A newline first too: after a crash the last line may be cut, and must not swallow this one.
    await handle.write(`\n${entry}\n`);
    await handle.datasync();
  };
  return {
    async take(kid, nonce) {
      const entry = `${kid};${nonce}`;
      if (current.has(entry) || previous.has(entry)) return false;
      // At once, so that the same nonce in a call at the same time is refused before this one is on the disk.
      current.add(entry);
      const written = last.then(() => append(entry));
      last = written.catch(() => undefined);
      await written;
      return true;
    },
    async close() {
      await last;
      await file?.close();
    },
  };
}

/** Whole or not at all: a file without its moment would be taken for one of any age. It is open for what follows. */
async function create(path: string, header: string): Promise<FileHandle> {
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(header);
    await file.datasync();
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return file;
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

async function load(path: string): Promise<{ nonces: Set<string>; since: number | undefined }> {
  try {
    const [first, ...lines] = (await readFile(path, "utf8")).split("\n");
    const since = Number(first);
    return { nonces: new Set(lines.filter((line) => line !== "")), since: Number.isFinite(since) && since > 0 ? since : 0 };
  } catch (error) {
    if (errorCode(error) === "ENOENT") return { nonces: new Set(), since: undefined };
    throw error;
  }
}
