import { createComment, deleteComment, editComment } from "../actions/write-comment.ts";
import { accountLevel, repositoryOf } from "../auth/access.ts";
import { authorOf, type Actor } from "../auth/actor.ts";
import { HttpError, mustHaveRights, notAccessible, notFound, requiresAuthentication } from "../http/errors.ts";
import { paginate } from "../http/paging.ts";
import { created, noContent, ok } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderComment } from "../render/comment.ts";
import type { Comment, PullRequest, Repository } from "../state/records.ts";
import { findPullRequest } from "./pulls.ts";

// On a pull request either permission will do, as at GitHub.
const permission = ["issues", "pull_requests"] as const;
const read = { permission, level: "read" } as const;
const write = { permission, level: "write" } as const;
const bodySpec = { body: { type: "string", required: true } } as const;

function mayPush(actor: Actor, repository: Repository): boolean {
  return actor.kind === "user" && (accountLevel(repository, actor.account.id) ?? "read") !== "read";
}

function find(call: Call, repository: Repository): { comment: Comment; pull: PullRequest } {
  const comment = call.context.store.comments.get(Number(call.parameters["id"]));
  const pull = call.context.store.pullRequests.find(
    (each) => each.repositoryId === repository.id && each.number === comment?.number,
  );
  if (comment === undefined || comment.repositoryId !== repository.id || pull === undefined) throw notFound();
  return { comment, pull };
}

function create(call: Call) {
  const { actor, context } = call;
  if (actor.kind === "anonymous") throw requiresAuthentication();
  // Whoever can read may comment; an App needs the permission.
  const repository = repositoryOf(call, actor.kind === "user" ? read : write);
  const pull = findPullRequest(call, repository);
  const { body } = call.body(bodySpec);
  if (pull.locked && !mayPush(actor, repository)) throw new HttpError(403, "Unable to create comment because issue is locked.");
  return created(renderComment(context, createComment(context, repository, pull, body, authorOf(actor))));
}

/** A comment is changed by who wrote it, or by who may push. */
function findWritable(call: Call) {
  const { actor } = call;
  if (actor.kind === "anonymous") throw requiresAuthentication();
  const repository = repositoryOf(call, actor.kind === "user" ? read : write);
  const found = find(call, repository);
  const own =
    actor.kind === "user"
      ? "accountId" in found.comment.author && found.comment.author.accountId === actor.account.id
      : "app" in found.comment.author;
  if (actor.kind === "user" && !own && !mayPush(actor, repository)) throw mustHaveRights("write");
  return { repository, own, ...found };
}

export const issueCommentRoutes: Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/{number}/comments",
    handle(call) {
      const repository = repositoryOf(call, read);
      const pull = findPullRequest(call, repository);
      const since = call.query.get("since");
      const comments = call.context.store.comments
        .filter((each) => each.repositoryId === repository.id && each.number === pull.number)
        .filter((each) => since === null || each.updatedAt >= since);
      return paginate(call, comments, (each) => renderComment(call.context, each));
    },
  },
  { method: "POST", path: "/repos/{owner}/{repo}/issues/{number}/comments", handle: create },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/issues/comments/{id}",
    handle: (call) => ok(renderComment(call.context, find(call, repositoryOf(call, read)).comment)),
  },
  {
    method: "PATCH",
    path: "/repos/{owner}/{repo}/issues/comments/{id}",
    handle(call) {
      const { repository, pull, comment, own } = findWritable(call);
      if (call.actor.kind === "installation" && !own) throw notAccessible();
      const { body } = call.body(bodySpec);
      return ok(renderComment(call.context, editComment(call.context, repository, pull, comment, body, authorOf(call.actor))));
    },
  },
  {
    method: "DELETE",
    path: "/repos/{owner}/{repo}/issues/comments/{id}",
    handle(call) {
      const { repository, pull, comment } = findWritable(call);
      deleteComment(call.context, repository, pull, comment, authorOf(call.actor));
      return noContent;
    },
  },
];
