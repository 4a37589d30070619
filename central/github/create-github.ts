import { App } from "@octokit/app";
import { Octokit } from "@octokit/core";
import { RequestError } from "@octokit/request-error";
import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { readRetryAfter } from "./read-retry-after.ts";
import { createSharedSilence, type SharedSilence } from "./shared-silence.ts";

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
export function createGitHub(config: GitHubConfig, pool: Pool, log: Logger): GitHub {
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
  const obey = (octokit: Octokit, client: string): Octokit =>
    obeySilence(octokit, createSharedSilence({ pool, log, client: `${config.appId}/${client}` }));
  return {
    appId: config.appId,
    apiUrl,
    fetch: fetchWithTimeout,
    app: obey(app.octokit, "app"),
    installation(installationId) {
      let octokit = installations.get(installationId);
      if (octokit === undefined) {
        octokit = app.getInstallationOctokit(Number(installationId)).then((one) => obey(one, String(installationId)));
        installations.set(installationId, octokit);
      }
      return octokit;
    },
  };
}

/** Once GitHub asked to be left alone, this client's calls fail unsent until that is over, whoever makes them, in any replica. */
function obeySilence(octokit: Octokit, silence: SharedSilence): Octokit {
  octokit.hook.wrap("request", async (request, options) => {
    await silence.check();
    try {
      return await request(options);
    } catch (error) {
      if (error instanceof RequestError && error.response !== undefined) {
        const { status, message, response } = error;
        await silence.keep(readRetryAfter({ status, message, headers: response.headers }) ?? 0);
      }
      throw error;
    }
  });
  return octokit;
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
