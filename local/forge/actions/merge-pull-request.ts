import type { ForgeContext } from "../context.ts";
import { GitError, runGit } from "../git/run-git.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { HttpError } from "../http/errors.ts";
import { emailOf } from "../render/commit.ts";
import { renderAuthor } from "../render/user.ts";
import type { Author, PullRequest, Repository } from "../state/records.ts";
import { withRefUpdates } from "./apply-ref-updates.ts";
import { branchHead } from "./fetch-pull-request-head.ts";

/** Merges by a merge commit. That the pull request is merged follows from its base moving onto its head. */
export async function mergePullRequest(
  context: ForgeContext,
  repository: Repository,
  pull: PullRequest,
  by: Author,
): Promise<string> {
  if (pull.state === "closed") throw new HttpError(405, "Pull Request is not mergeable");
  const folder = repositoryFolder(context.directory, repository.id);
  return await withRefUpdates(context, repository, by, async () => {
    const base = await branchHead(context, repository.id, pull.base.ref);
    if (base === undefined) throw new HttpError(404, "Base does not exist");
    const tree = await mergeTree(folder, base, pull.head.sha);
    const { login, id } = renderAuthor(context, by);
    const person = [`user.name=${login}`, `user.email=${emailOf({ login, id })}`].flatMap((setting) => ["-c", setting]);
    const message = `Merge pull request #${pull.number} from ${pull.head.ref}\n\n${pull.title}`;
    const output = await runGit(folder, [...person, "commit-tree", tree, "-p", base, "-p", pull.head.sha], Buffer.from(message));
    const sha = output.toString().trim();
    await runGit(folder, ["update-ref", `refs/heads/${pull.base.ref}`, sha, base]);
    return sha;
  });
}

async function mergeTree(folder: string, base: string, head: string): Promise<string> {
  try {
    return (await runGit(folder, ["merge-tree", "--write-tree", base, head])).toString().split("\n")[0] ?? "";
  } catch (error) {
    if (error instanceof GitError) throw new HttpError(405, "Pull Request is not mergeable");
    throw error;
  }
}
