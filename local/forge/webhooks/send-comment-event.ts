import type { ForgeContext } from "../context.ts";
import { renderComment, renderReactions } from "../render/comment.ts";
import { renderPullRequest } from "../render/pull-request.ts";
import { nodeId, type WebhookSchema } from "../render/schema.ts";
import type { Author, Comment, PullRequest, Repository } from "../state/records.ts";
import { installationOf, renderEnvelope } from "./envelope.ts";

/** A pull request seen as the issue it also is. */
function renderIssue(context: ForgeContext, repository: Repository, pull: PullRequest) {
  const rendered = renderPullRequest(context, pull);
  const url = rendered.issue_url;
  return {
    url,
    repository_url: url.slice(0, url.lastIndexOf("/issues/")),
    labels_url: `${url}/labels{/name}`,
    comments_url: rendered.comments_url,
    events_url: `${url}/events`,
    html_url: rendered.html_url,
    id: pull.id,
    node_id: nodeId("PR", pull.id),
    number: pull.number,
    title: pull.title,
    user: rendered.user,
    labels: [],
    state: pull.state,
    locked: pull.locked,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: rendered.comments,
    created_at: pull.createdAt,
    updated_at: pull.updatedAt,
    closed_at: pull.closedAt,
    author_association: rendered.author_association,
    active_lock_reason: null,
    draft: pull.draft,
    pull_request: {
      url: rendered.url,
      html_url: rendered.html_url,
      diff_url: rendered.diff_url,
      patch_url: rendered.patch_url,
      merged_at: pull.mergedAt,
    },
    body: pull.body,
    reactions: renderReactions(url),
    timeline_url: `${url}/timeline`,
    performed_via_github_app: null,
    state_reason: null,
  };
}

export type CommentChange = { action: "created" | "deleted" } | { action: "edited"; from: string };

export function sendCommentEvent(
  context: ForgeContext,
  o: { repository: Repository; pull: PullRequest; comment: Comment; change: CommentChange; sender: Author },
): void {
  const installation = installationOf(context, o.repository);
  if (installation === undefined || !installation.events.includes("issue_comment")) return;
  const common = {
    issue: renderIssue(context, o.repository, o.pull),
    comment: renderComment(context, o.comment) as WebhookSchema<"webhook-issue-comment-created">["comment"],
    ...renderEnvelope(context, o.repository, installation, o.sender),
  };
  const payload =
    o.change.action === "created"
      ? ({ action: "created", ...common } satisfies WebhookSchema<"webhook-issue-comment-created">)
      : o.change.action === "edited"
        ? { action: "edited", changes: { body: { from: o.change.from } }, ...common }
        : { action: "deleted", ...common };
  context.webhooks.send({
    event: "issue_comment",
    action: o.change.action,
    payload,
    installationId: installation.id,
    repositoryId: o.repository.id,
  });
}
