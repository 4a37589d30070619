import type { ForgeContext } from "../context.ts";
import { validationFailed } from "../http/errors.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Author, Comment, PullRequest, Repository } from "../state/records.ts";
import { sendCommentEvent } from "../webhooks/send-comment-event.ts";

const bodyLimit = 65_536;

function checkBody(body: string): void {
  if (body.trim() === "") throw validationFailed({ resource: "IssueComment", code: "missing_field", field: "body" });
  if (body.length > bodyLimit)
    throw validationFailed({
      resource: "IssueComment",
      code: "unprocessable",
      field: "data",
      message: `Body is too long (maximum is ${bodyLimit} characters)`,
    });
}

export function createComment(
  context: ForgeContext,
  repository: Repository,
  pull: PullRequest,
  body: string,
  by: Author,
): Comment {
  checkBody(body);
  const now = timestamp(context.clock());
  const comment = context.store.comments.put({
    id: context.store.nextId(),
    repositoryId: repository.id,
    number: pull.number,
    author: by,
    body,
    createdAt: now,
    updatedAt: now,
  });
  sendCommentEvent(context, { repository, pull, comment, change: { action: "created" }, sender: by });
  return comment;
}

export function editComment(
  context: ForgeContext,
  repository: Repository,
  pull: PullRequest,
  before: Comment,
  body: string,
  by: Author,
): Comment {
  checkBody(body);
  const comment = context.store.comments.put({ ...before, body, updatedAt: timestamp(context.clock()) });
  sendCommentEvent(context, { repository, pull, comment, change: { action: "edited", from: before.body }, sender: by });
  return comment;
}

export function deleteComment(
  context: ForgeContext,
  repository: Repository,
  pull: PullRequest,
  comment: Comment,
  by: Author,
): void {
  context.store.comments.delete(comment.id);
  sendCommentEvent(context, { repository, pull, comment, change: { action: "deleted" }, sender: by });
}
