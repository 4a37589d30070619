import { join } from "node:path";
import { repositoryFolder } from "#local/forge/git/repository-folder.ts";
import { runGit } from "#local/forge/git/run-git.ts";
import type { Stack } from "../stack.ts";

/** A file as a commit has it; undefined if it has none of that name. */
export async function readCommitFile(
  stack: Stack,
  repositoryId: bigint,
  commit: string,
  file: string,
): Promise<Buffer | undefined> {
  try {
    return await runGit(folderOf(stack, repositoryId), ["cat-file", "blob", `${commit}:${file}`]);
  } catch {
    return undefined;
  }
}

export async function readBranchHead(stack: Stack, repositoryId: bigint, branch: string): Promise<string> {
  return (await runGit(folderOf(stack, repositoryId), ["rev-parse", `refs/heads/${branch}`])).toString().trim();
}

function folderOf(stack: Stack, repositoryId: bigint): string {
  return repositoryFolder(join(stack.directory, "forge"), Number(repositoryId));
}
