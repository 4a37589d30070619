import { PassThrough, Readable } from "node:stream";
import { CloneError } from "#worker/clone/clone-error.ts";
import type { Clone } from "#worker/clone/fetch-commit.ts";
import { runGit, startGit } from "#worker/clone/run-git.ts";

export type TreeEntry = { name: string; kind: "file" | "folder" | "link" | "submodule"; id: string; size: number };

const fileLimit = 16 * 1024 * 1024;

/** What a folder of the commit holds, without what its folders hold. `folder` is '' for the top. Undefined: there is no such folder. */
export async function listFolder(clone: Clone, folder: string, signal: AbortSignal): Promise<TreeEntry[] | undefined> {
  const tree = await findTree(clone, folder, signal);
  if (tree === undefined) return undefined;
  const text = (await runGit({ ...clone, args: ["ls-tree", "-z", "-l", tree], signal })).toString();
  return text
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const [, mode, id, size, name] = /^(\d+) \w+ ([0-9a-f]{40}) +(\d+|-)\t(.*)$/s.exec(line) ?? [];
      if (mode === undefined || id === undefined || name === undefined)
        throw new CloneError("git_failed", "git ls-tree said what it never says");
      const kind = mode === "040000" ? "folder" : mode === "120000" ? "link" : mode === "160000" ? "submodule" : "file";
      return { name, kind, id, size: Number(size) || 0 };
    });
}

/** A regular file's content. Undefined: it is absent, or no regular file. */
export async function readEntry(
  clone: Clone,
  entries: TreeEntry[],
  name: string,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const entry = entries.find((candidate) => candidate.name === name && candidate.kind === "file");
  if (entry === undefined) return undefined;
  // Lock files of large projects have several megabytes; who needs only to tell them apart compares `id`.
  if (entry.size > fileLimit)
    throw new CloneError("file_too_large", `${name} has ${entry.size} bytes; at most ${fileLimit} are read`);
  return runGit({ ...clone, args: ["cat-file", "blob", entry.id], signal }, fileLimit);
}

/**
 * A tar of the commit's tree, or of one folder of it, without .git. It is cut off with an error at `maxBytes`, and when git fails, so
 * that a part is never taken for the whole.
 */
export async function archiveTree(clone: Clone, folder: string, maxBytes: number, signal: AbortSignal): Promise<Readable> {
  const tree = await findTree(clone, folder, signal);
  if (tree === undefined) throw new CloneError("folder_missing", `the commit has no folder ${JSON.stringify(folder)}`);
  return openArchive(clone, tree, maxBytes, signal);
}

/** Like archiveTree for the whole commit, at once. */
export function archiveCommit(clone: Clone, maxBytes: number, signal: AbortSignal): Readable {
  return openArchive(clone, `${clone.commit}^{tree}`, maxBytes, signal);
}

function openArchive(clone: Clone, tree: string, maxBytes: number, signal: AbortSignal): Readable {
  const { child, done } = startGit({ ...clone, args: ["archive", "--format=tar", tree], signal });
  // Whoever stops reading closes git's pipe, and git ends; nobody may be listening by then.
  done.catch(() => undefined);
  // At once: when a child exits, Node lets what nobody reads yet flow away.
  const held = child.stdout.pipe(new PassThrough());
  held.once("close", () => child.stdout.destroy());
  return Readable.from(limitBytes(held, maxBytes, done), { objectMode: false });
}

async function* limitBytes(source: Readable, maxBytes: number, done: Promise<void>): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of source) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError("git's output is no bytes");
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new CloneError(
        "repository_too_large",
        `the commit's files are larger than the limit of ${maxBytes} bytes: at least ${bytes} bytes`,
      );
    yield chunk;
  }
  // git's exit code comes after its last byte; the end is not given on before it is known to be one.
  await done;
}

async function findTree(clone: Clone, folder: string, signal: AbortSignal): Promise<string | undefined> {
  const revision = folder === "" ? `${clone.commit}^{tree}` : `${clone.commit}:${folder}`;
  try {
    const id = (await runGit({ ...clone, args: ["rev-parse", "--verify", "--quiet", "--end-of-options", revision], signal }))
      .toString()
      .trim();
    const type = (await runGit({ ...clone, args: ["cat-file", "-t", id], signal })).toString().trim();
    return type === "tree" ? id : undefined;
  } catch (error) {
    if (error instanceof CloneError && error.reason === "git_failed") return undefined;
    throw error;
  }
}
