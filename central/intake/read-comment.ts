import { parseCommand } from "#central/approval/parse-command.ts";
import { type Fields, readFields, readId, readText } from "./read-fields.ts";

/** Somebody commented that a commit may be built. Whether they may say so, and said so, is asked at GitHub. */
export type ApprovalHint = {
  kind: "approval";
  repositoryId: bigint;
  pullRequest: bigint;
  commit: string;
  commentId: bigint;
};

/** Something that may be our comment was deleted or changed, or a pull request takes comments again. */
export type CommentHint = { kind: "comment"; repositoryId: bigint; pullRequest: bigint } & (
  | { change: "deleted" | "edited"; commentId: bigint }
  | { change: "unlocked" }
);

type Unhandled = { kind: "ignored" | "rejected"; reason: string };

/** Only what is commented counts as a command: a comment that was edited may be another person's words under the name of its author. */
export function readComment(payload: Fields): ApprovalHint | CommentHint | Unhandled {
  const action = readText(payload["action"], "action");
  if (action === "deleted" || action === "edited") return readChange(action, payload);
  if (action !== "created") return { kind: "ignored", reason: `issue_comment action ${action.slice(0, 64)} is not handled` };
  const repository = readFields(payload["repository"], "repository");
  const issue = readFields(payload["issue"], "issue");
  const comment = readFields(payload["comment"], "comment");
  const command = parseCommand(readText(comment["body"], "comment.body"));
  if (command.kind === "none") return { kind: "ignored", reason: "the comment is no command" };
  if (typeof issue["pull_request"] !== "object" || issue["pull_request"] === null) {
    return { kind: "ignored", reason: "the comment is on an issue, not on a pull request" };
  }
  const author = readFields(comment["user"], "comment.user");
  if (author["type"] !== "User" || (comment["performed_via_github_app"] ?? null) !== null) {
    return { kind: "ignored", reason: "comments of bots and Apps are no commands" };
  }
  if (command.kind === "malformed") return { kind: "rejected", reason: command.reason };
  return {
    kind: "approval",
    repositoryId: readId(repository["id"], "repository.id"),
    pullRequest: readId(issue["number"], "issue.number"),
    commit: command.commit,
    commentId: readId(comment["id"], "comment.id"),
  };
}

/** An App's comment that a person, or anybody else than an App, changed: whether it is ours, its id tells. */
function readChange(action: "deleted" | "edited", payload: Fields): CommentHint | Unhandled {
  const comment = readFields(payload["comment"], "comment");
  const byApp = (comment["performed_via_github_app"] ?? null) !== null;
  if (!byApp) return { kind: "ignored", reason: `issue_comment action ${action} is handled for comments of Apps alone` };
  // Our own edits come back as deliveries too.
  if (action === "edited" && readFields(payload["sender"], "sender")["type"] === "Bot") {
    return { kind: "ignored", reason: "an App edited its own comment" };
  }
  return {
    kind: "comment",
    change: action,
    repositoryId: readId(readFields(payload["repository"], "repository")["id"], "repository.id"),
    pullRequest: readId(readFields(payload["issue"], "issue")["number"], "issue.number"),
    commentId: readId(comment["id"], "comment.id"),
  };
}
