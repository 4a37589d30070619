import type { ForgeContext } from "../context.ts";
import { accountLevel } from "../auth/access.ts";
import { notFound } from "../http/errors.ts";
import type { Author, PullRequest, Repository } from "../state/records.ts";
import { fullName, ownerOf, renderPullRequestRepository, repositoryApiUrl } from "./repository.ts";
import { nodeId, type Schema } from "./schema.ts";
import { renderAccount, renderAuthor, type RenderedUser } from "./user.ts";

export function repositoryOfPullRequest(context: ForgeContext, pull: PullRequest): Repository {
  const repository = context.store.repositories.get(pull.repositoryId);
  if (repository === undefined) throw notFound();
  return repository;
}

export function renderAssociation(repository: Repository, author: Author): Schema<"author-association"> {
  if ("app" in author) return "NONE";
  if (repository.ownerId === author.accountId) return "OWNER";
  const level = accountLevel(repository, author.accountId);
  return level === undefined ? "NONE" : level === "read" ? "CONTRIBUTOR" : "COLLABORATOR";
}

function renderSide(context: ForgeContext, repository: Repository | undefined, ref: string, sha: string) {
  if (repository === undefined) return { label: `unknown:${ref}`, ref, sha, user: null, repo: null };
  const owner = ownerOf(context, repository);
  return {
    label: `${owner.login}:${ref}`,
    ref,
    sha,
    user: renderAccount(context, owner),
    repo: renderPullRequestRepository(context, repository),
  };
}

// GitHub's description says that neither is ever null; for a head both are, once its fork is deleted.
type RenderedSide = {
  label: string;
  ref: string;
  sha: string;
  user: RenderedUser;
  repo: ReturnType<typeof renderPullRequestRepository>;
};

/** As a list shows it. */
export function renderPullRequestSimple(context: ForgeContext, pull: PullRequest) {
  const repository = repositoryOfPullRequest(context, pull);
  const api = repositoryApiUrl(context, repository);
  const url = `${api}/pulls/${pull.number}`;
  const html = `${context.urls.web}/${fullName(context, repository)}/pull/${pull.number}`;
  const head = renderSide(context, context.store.repositories.get(pull.head.repositoryId), pull.head.ref, pull.head.sha);
  const base = renderSide(context, repository, pull.base.ref, pull.base.sha);
  const issue = `${api}/issues/${pull.number}`;
  return {
    url,
    id: pull.id,
    node_id: nodeId("PR", pull.id),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issue,
    number: pull.number,
    state: pull.state,
    locked: pull.locked,
    title: pull.title,
    user: renderAuthor(context, pull.author),
    body: pull.body,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeCommitSha,
    assignee: null,
    assignees: [],
    requested_reviewers: [],
    requested_teams: [],
    labels: [],
    milestone: null,
    draft: pull.draft,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    comments_url: `${issue}/comments`,
    statuses_url: `${api}/statuses/${pull.head.sha}`,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see RenderedSide
    head: head as RenderedSide,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see RenderedSide
    base: base as RenderedSide,
    _links: {
      self: { href: url },
      html: { href: html },
      issue: { href: issue },
      comments: { href: `${issue}/comments` },
      review_comments: { href: `${url}/comments` },
      review_comment: { href: `${api}/pulls/comments{/number}` },
      commits: { href: `${url}/commits` },
      statuses: { href: `${api}/statuses/${pull.head.sha}` },
    },
    author_association: renderAssociation(repository, pull.author),
    auto_merge: null,
    active_lock_reason: null,
  } satisfies Schema<"pull-request-simple">;
}

export function renderPullRequest(context: ForgeContext, pull: PullRequest) {
  return {
    ...renderPullRequestSimple(context, pull),
    merged: pull.mergedAt !== null,
    mergeable: null,
    rebaseable: null,
    mergeable_state: "unknown",
    merged_by: pull.mergedBy === null ? null : renderAuthor(context, pull.mergedBy),
    comments: context.store.comments.filter((each) => each.repositoryId === pull.repositoryId && each.number === pull.number)
      .length,
    review_comments: 0,
    maintainer_can_modify: false,
    commits: pull.counts.commits,
    additions: pull.counts.additions,
    deletions: pull.counts.deletions,
    changed_files: pull.counts.changedFiles,
  } satisfies Schema<"pull-request">;
}
