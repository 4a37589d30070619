import { join } from "node:path";
import { repositoryFolder } from "#local/forge/git/repository-folder.ts";
import { resolveCommit } from "#local/forge/git/read-refs.ts";
import { runGit } from "#local/forge/git/run-git.ts";
import type { Stack } from "../stack.ts";

/** A commit does not change, and every fault's end asks for those of all sites. */
const files = new WeakMap<Stack, Map<string, Buffer>>();

/** A file as a commit has it; undefined if it has none of that name. */
export async function readCommitFile(
  stack: Stack,
  repositoryId: bigint,
  commit: string,
  file: string,
): Promise<Buffer | undefined> {
  const known = files.get(stack) ?? new Map<string, Buffer>();
  files.set(stack, known);
  const key = `${repositoryId} ${commit} ${file}`;
  const content = known.get(key) ?? (await readFromGit(stack, repositoryId, commit, file));
  if (content !== undefined) known.set(key, content);
  return content;
}

async function readFromGit(stack: Stack, repositoryId: bigint, commit: string, file: string): Promise<Buffer | undefined> {
  try {
    return await runGit(folderOf(stack, repositoryId), ["cat-file", "blob", `${commit}:${file}`]);
  } catch {
    return undefined;
  }
}

export async function readBranchHead(stack: Stack, repositoryId: bigint, branch: string): Promise<string> {
  const sha = await resolveCommit(folderOf(stack, repositoryId), `heads/${branch}`);
  if (sha === undefined) throw new Error(`repository ${repositoryId} has no branch ${branch}`);
  return sha;
}

function folderOf(stack: Stack, repositoryId: bigint): string {
  return repositoryFolder(join(stack.directory, "forge"), Number(repositoryId));
}
