import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import type { Logger } from "#common/logger.ts";

export type GitHubConfig = { appId: string; privateKey: string; apiUrl: string };

/** The App's view of GitHub. Reads use installation tokens that stay in this process's memory. */
export type GitHub = {
  appId: string;
  apiUrl: string;
  /** Bounded in time; for what the client cannot do. */
  fetch: typeof fetch;
  /** Authorised as the App itself, by JWT. */
  app: Octokit;
  /** Authorised as one installation. */
  installation(installationId: bigint): Promise<Octokit>;
};

// GitHub answers in well under a second or not at all; the caller retries later.
const requestTimeoutMs = 10_000;

// No retry plugin: it would repeat POST too, and a comment whose answer was lost would be made twice. Every caller has a retry of its own.
export function createGitHub(config: GitHubConfig, log: Logger): GitHub {
  const apiUrl = config.apiUrl.replace(/\/+$/, "");
  const app = new App({
    appId: config.appId,
    privateKey: config.privateKey,
    log: quietLog(log),
    Octokit: Octokit.defaults({
      baseUrl: apiUrl,
      userAgent: "catapult",
      log: quietLog(log),
      request: { fetch: fetchWithTimeout },
    }),
  });
  const installations = new Map<bigint, Promise<Octokit>>();
  return {
    appId: config.appId,
    apiUrl,
    fetch: fetchWithTimeout,
    app: app.octokit,
    installation(installationId) {
      let octokit = installations.get(installationId);
      if (octokit === undefined) {
        octokit = app.getInstallationOctokit(Number(installationId));
        installations.set(installationId, octokit);
      }
      return octokit;
    },
  };
}

function fetchWithTimeout(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const timeout = AbortSignal.timeout(requestTimeoutMs);
  return fetch(url, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, timeout]) : timeout });
}

function quietLog(log: Logger) {
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (message: string) => log.warn({ github: message }, "a warning of the GitHub client"),
    error: (message: string) => log.error({ github: message }, "an error of the GitHub client"),
  };
}
