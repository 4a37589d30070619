import type { ForgeContext } from "../context.ts";
import type { CommitRecord } from "../git/read-commits.ts";
import type { Repository } from "../state/records.ts";
import { fullName, repositoryApiUrl } from "./repository.ts";
import { nodeId, type Schema } from "./schema.ts";
import { renderAccount } from "./user.ts";

/** The account behind a commit's email, if it is one of the forge's own addresses. A name proves nothing. */
function accountOfEmail(context: ForgeContext, email: string) {
  const account = context.store.accounts.find((each) => emailOf(each) === email);
  return account === undefined ? null : renderAccount(context, account);
}

export function emailOf(account: { id: number; login: string }): string {
  return `${account.id}+${account.login}@users.noreply.github.com`;
}

export function renderCommit(context: ForgeContext, repository: Repository, commit: CommitRecord) {
  const api = repositoryApiUrl(context, repository);
  const html = `${context.urls.web}/${fullName(context, repository)}`;
  const additions = commit.files.reduce((sum, file) => sum + file.additions, 0);
  const deletions = commit.files.reduce((sum, file) => sum + file.deletions, 0);
  return {
    sha: commit.sha,
    node_id: nodeId("C", repository.id),
    commit: {
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
      url: `${api}/git/commits/${commit.sha}`,
      comment_count: 0,
      verification: { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null },
    },
    url: `${api}/commits/${commit.sha}`,
    html_url: `${html}/commit/${commit.sha}`,
    comments_url: `${api}/commits/${commit.sha}/comments`,
    author: accountOfEmail(context, commit.author.email),
    committer: accountOfEmail(context, commit.committer.email),
    parents: commit.parents.map((sha) => ({ sha, url: `${api}/commits/${sha}`, html_url: `${html}/commit/${sha}` })),
    stats: { total: additions + deletions, additions, deletions },
    files: commit.files.map((file) => ({
      sha: file.sha,
      filename: file.path,
      status: file.status,
      additions: file.additions,
      deletions: file.deletions,
      changes: file.additions + file.deletions,
      blob_url: `${html}/blob/${commit.sha}/${file.path}`,
      raw_url: `${html}/raw/${commit.sha}/${file.path}`,
      contents_url: `${api}/contents/${file.path}?ref=${commit.sha}`,
    })),
  } satisfies Schema<"commit">;
}
