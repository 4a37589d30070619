import type { ForgeContext } from "../context.ts";
import { GitError, runGit } from "../git/run-git.ts";
import { readChanges } from "../git/read-commits.ts";
import { resolveCommit } from "../git/read-refs.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import type { PullRequest } from "../state/records.ts";

/** Brings a head commit into the base repository, from its fork if need be, and points refs/pull/N/head at it. */
export async function fetchPullRequestHead(
  context: ForgeContext,
  pull: Pick<PullRequest, "repositoryId" | "number" | "head">,
): Promise<void> {
  const base = repositoryFolder(context.directory, pull.repositoryId);
  if (pull.head.repositoryId !== pull.repositoryId) {
    const fork = repositoryFolder(context.directory, pull.head.repositoryId);
    await runGit(base, ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", fork, pull.head.sha]);
  }
  await runGit(base, ["update-ref", `refs/pull/${pull.number}/head`, pull.head.sha]);
}

/** How far two commits are apart. Undefined where they have no common history, or nothing lies between. */
export async function countChanges(folder: string, baseSha: string, headSha: string): Promise<PullRequest["counts"] | undefined> {
  const commits = Number((await runGit(folder, ["rev-list", "--count", `${baseSha}..${headSha}`])).toString());
  if (commits === 0) return undefined;
  const fork = await mergeBase(folder, baseSha, headSha);
  if (fork === undefined) return undefined;
  const files = await readChanges(folder, fork, headSha);
  return {
    commits,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
    changedFiles: files.length,
  };
}

async function mergeBase(folder: string, one: string, other: string): Promise<string | undefined> {
  try {
    return (await runGit(folder, ["merge-base", one, other])).toString().trim();
  } catch (error) {
    if (error instanceof GitError) return undefined; // it ends with 1 where there is none
    throw error;
  }
}

export async function branchHead(context: ForgeContext, repositoryId: number, branch: string): Promise<string | undefined> {
  return await resolveCommit(repositoryFolder(context.directory, repositoryId), `heads/${branch}`);
}
