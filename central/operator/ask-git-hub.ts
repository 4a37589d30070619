import { Code } from "@connectrpc/connect";
import { GitHubError } from "#central/github/github-error.ts";
import { SiteBusyError } from "#central/intake/settle.ts";
import type { Logger } from "#common/logger.ts";
import { reasonError } from "#common/rpc/reason-error.ts";

/** What GitHub does not say is not taken for granted: nothing is stored, and the caller may try again. */
export async function askGitHub<T>(
  log: Logger,
  asked: { repository: string; what: string; kept?: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SiteBusyError) {
      throw reasonError(Code.Unavailable, "site_busy", `${error.message}; nothing was stored, try again`, { cause: error });
    }
    if (!(error instanceof GitHubError)) throw error;
    log.error({ err: error, repository: asked.repository }, "GitHub did not answer what an operator needs");
    const message = `GitHub did not say ${asked.what} (${asked.repository}); nothing was ${asked.kept ?? "stored"}, try again`;
    const { retryAfterMs } = error;
    throw reasonError(Code.Unavailable, "github_unavailable", message, {
      cause: error,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}
