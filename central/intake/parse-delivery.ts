import { type ApprovalHint, type CommentHint, readComment } from "./read-comment.ts";
import {
  type Fields,
  MalformedDelivery,
  readCommit,
  readFields,
  readId,
  readText,
  toBigInt,
  UnsafeIntegerError,
} from "./read-fields.ts";

/** What a delivery says happened. It is authentic but may be old: a hint where to look, never a command. */
export type Hint =
  | { kind: "pull_request"; repositoryId: bigint; pullRequest: bigint; commit: string; open: boolean }
  | { kind: "branch"; repositoryId: bigint; commit: string }
  | ApprovalHint
  | CommentHint
  | { kind: "processed" | "ignored" | "rejected"; reason: string };

type Reader = (payload: Fields) => Hint;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["pull_request", readPullRequest],
  ["push", readPush],
  ["issue_comment", readComment],
]);

const handledActions = new Set(["opened", "synchronize", "reopened", "closed"]);

/** Reads a stored delivery. Never throws: what cannot be read is rejected, what is not for us is ignored, each with its reason. */
export function parseDelivery(event: string, body: string): Hint {
  if (event === "ping") return { kind: "processed", reason: "ping" };
  const read = readers.get(event);
  if (read === undefined) return { kind: "ignored", reason: `event ${event} is not handled` };
  try {
    return read(readFields(JSON.parse(body), "the body"));
  } catch (error) {
    if (error instanceof UnsafeIntegerError) return reparse(read, body);
    return { kind: "rejected", reason: describe(error) };
  }
}

/** GitHub's ids may pass 2^53; only then is the slower parse with bigints worth its time. */
function reparse(read: Reader, body: string): Hint {
  try {
    return read(readFields(JSON.parse(body, toBigInt), "the body"));
  } catch (error) {
    return { kind: "rejected", reason: describe(error) };
  }
}

function readPullRequest(payload: Fields): Hint {
  const action = readText(payload["action"], "action");
  if (action === "unlocked") return readUnlocked(payload);
  if (!handledActions.has(action))
    return { kind: "ignored", reason: `pull_request action ${action.slice(0, 64)} is not handled` };
  const repository = readFields(payload["repository"], "repository");
  const pullRequest = readFields(payload["pull_request"], "pull_request");
  return {
    kind: "pull_request",
    repositoryId: readId(repository["id"], "repository.id"),
    pullRequest: readId(payload["number"], "number"),
    commit: readCommit(readFields(pullRequest["head"], "pull_request.head")["sha"], "pull_request.head.sha"),
    open: action !== "closed",
  };
}

/** A comment that a locked conversation refused may be written now. */
function readUnlocked(payload: Fields): CommentHint {
  const repositoryId = readId(readFields(payload["repository"], "repository")["id"], "repository.id");
  return { kind: "comment", change: "unlocked", repositoryId, pullRequest: readId(payload["number"], "number") };
}

function readPush(payload: Fields): Hint {
  const repository = readFields(payload["repository"], "repository");
  const ref = readText(payload["ref"], "ref");
  if (ref !== `refs/heads/${readText(repository["default_branch"], "repository.default_branch")}`) {
    return { kind: "ignored", reason: "push is not to the default branch" };
  }
  if (payload["deleted"] === true) return { kind: "ignored", reason: "push deletes the branch" };
  return {
    kind: "branch",
    repositoryId: readId(repository["id"], "repository.id"),
    commit: readCommit(payload["after"], "after"),
  };
}

function describe(error: unknown): string {
  if (error instanceof MalformedDelivery) return error.message;
  if (error instanceof SyntaxError) return "the body is not JSON";
  return `the body cannot be read (${error instanceof Error ? error.name : typeof error})`;
}
