import { RequestError } from "@octokit/request-error";
import { readRetryAfter } from "./read-retry-after.ts";
import { SilencedError } from "./silence.ts";

export class GitHubError extends Error {
  override name = "GitHubError";
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** How long GitHub asks to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, o: { status: number; retryAfterMs?: number | undefined; cause: unknown }) {
    super(message, { cause: o.cause });
    this.status = o.status;
    this.retryAfterMs = o.retryAfterMs;
  }

  get missing(): boolean {
    return this.status === 404 || this.status === 410;
  }
}

// Runs one call to GitHub and turns whatever it throws into a GitHubError, here and nowhere else.
export async function callGitHub<T>(attempted: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw toGitHubError(attempted, cause);
  }
}

function toGitHubError(attempted: string, cause: unknown): GitHubError {
  if (cause instanceof SilencedError) {
    return new GitHubError(`${attempted}: ${cause.message}`, { status: 429, retryAfterMs: cause.retryAfterMs, cause });
  }
  if (!(cause instanceof RequestError) || cause.response === undefined) {
    return new GitHubError(`${attempted}: no answer (${cause instanceof Error ? cause.message : String(cause)})`, {
      status: 0,
      cause,
    });
  }
  return new GitHubError(`${attempted}: GitHub answered ${cause.status} (${cause.message.slice(0, 200)})`, {
    status: cause.status,
    retryAfterMs: readRetryAfter({ status: cause.status, headers: cause.response.headers, message: cause.message }),
    cause,
  });
}
