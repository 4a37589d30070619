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

type Unhandled = { kind: "ignored" | "rejected"; reason: string };

/** Only what is commented counts: a comment that was edited may be another person's words under the name of its author. */
export function readComment(payload: Fields): ApprovalHint | Unhandled {
  const action = readText(payload["action"], "action");
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
