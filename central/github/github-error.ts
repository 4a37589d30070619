import { RequestError } from "@octokit/request-error";

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
  if (!(cause instanceof RequestError) || cause.response === undefined) {
    return new GitHubError(`${attempted}: no answer (${cause instanceof Error ? cause.message : String(cause)})`, {
      status: 0,
      cause,
    });
  }
  return new GitHubError(`${attempted}: GitHub answered ${cause.status} (${cause.message.slice(0, 200)})`, {
    status: cause.status,
    retryAfterMs: readRetryAfter(cause.status, cause.response.headers),
    cause,
  });
}

// Of both limits: retry-after in seconds; else, with nothing left, the moment of the reset; else a minute.
function readRetryAfter(status: number, headers: Record<string, string | number | undefined>): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  if (Number.isFinite(seconds)) return clamp(seconds * 1000);
  if (String(headers["x-ratelimit-remaining"]) === "0") return clamp(Number(headers["x-ratelimit-reset"]) * 1000 - Date.now());
  return status === 429 ? 60_000 : undefined;
}

function clamp(ms: number): number {
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 1_000), 3_600_000) : 60_000;
}
