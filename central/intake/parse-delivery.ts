import { isCommit } from "#central/decision/is-commit.ts";

/** What a delivery says happened. It is authentic but may be old: a hint where to look, never a command. */
export type Hint =
  | { kind: "pull_request"; repositoryId: bigint; pullRequest: bigint; commit: string }
  | { kind: "branch"; repositoryId: bigint; commit: string }
  | { kind: "processed" | "ignored" | "rejected"; reason: string };

type Fields = Readonly<Record<string, unknown>>;

class MalformedDelivery extends Error {
  override name = "MalformedDelivery";
}

const handledActions = new Set(["opened", "synchronize", "reopened", "closed"]);

/** Reads a stored delivery. Never throws: what cannot be read is rejected, what is not for us is ignored, each with its reason. */
export function parseDelivery(event: string, body: string): Hint {
  if (event === "ping") return { kind: "processed", reason: "ping" };
  if (event !== "pull_request" && event !== "push") return { kind: "ignored", reason: `event ${event} is not handled` };
  try {
    return readHint(event, readFields(JSON.parse(body), "the body"));
  } catch (error) {
    if (error instanceof UnsafeIntegerError) return reparse(event, body);
    return { kind: "rejected", reason: describe(error) };
  }
}

/** GitHub's ids may pass 2^53; only then is the slower parse with bigints worth its time. */
function reparse(event: "pull_request" | "push", body: string): Hint {
  try {
    return readHint(event, readFields(JSON.parse(body, toBigInt), "the body"));
  } catch (error) {
    return { kind: "rejected", reason: describe(error) };
  }
}

function readHint(event: "pull_request" | "push", payload: Fields): Hint {
  return event === "push" ? readPush(payload) : readPullRequest(payload);
}

function readPullRequest(payload: Fields): Hint {
  const action = readText(payload["action"], "action");
  if (!handledActions.has(action))
    return { kind: "ignored", reason: `pull_request action ${action.slice(0, 64)} is not handled` };
  const repository = readFields(payload["repository"], "repository");
  const pullRequest = readFields(payload["pull_request"], "pull_request");
  return {
    kind: "pull_request",
    repositoryId: readId(repository["id"], "repository.id"),
    pullRequest: readId(payload["number"], "number"),
    commit: readCommit(readFields(pullRequest["head"], "pull_request.head")["sha"], "pull_request.head.sha"),
  };
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

function readFields(value: unknown, name: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new MalformedDelivery(`${name} is not an object`);
  return Object.fromEntries(Object.entries(value));
}

function readText(value: unknown, name: string): string {
  if (typeof value !== "string") throw new MalformedDelivery(`${name} is not text`);
  return value;
}

class UnsafeIntegerError extends Error {
  override name = "UnsafeIntegerError";
}

function readId(value: unknown, name: string): bigint {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) throw new UnsafeIntegerError(name);
  const id = typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value)) ? BigInt(value) : 0n;
  if (id <= 0n || id >= 2n ** 63n) throw new MalformedDelivery(`${name} is not an id`);
  return id;
}

function readCommit(value: unknown, name: string): string {
  if (typeof value !== "string" || !isCommit(value)) throw new MalformedDelivery(`${name} is not a commit`);
  return value;
}

function toBigInt(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  return typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source)
    ? BigInt(source)
    : value;
}

function describe(error: unknown): string {
  if (error instanceof MalformedDelivery) return error.message;
  if (error instanceof SyntaxError) return "the body is not JSON";
  return `the body cannot be read (${error instanceof Error ? error.name : typeof error})`;
}
