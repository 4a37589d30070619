import type { Pool } from "pg";
import type { SeenBranch, SeenPullRequest } from "#central/decision/decide.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { getBranchHead } from "#central/github/get-branch-head.ts";
import { getPullRequest } from "#central/github/get-pull-request.ts";
import { getRepository } from "#central/github/get-repository.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { resolveRepository } from "#central/github/resolve-repository.ts";
import { type Config, selectConfig } from "./sql/select-config.ts";
import { updateConfigRepository } from "./sql/update-config-repository.ts";

type Context = { pool: Pool; github: GitHub };

/** A pull request as it is now; undefined: it does not exist, or the App was taken off the repository. */
export async function lookAtPullRequest(o: Context, config: Config, number: bigint): Promise<SeenPullRequest | undefined> {
  return withRefreshedConfig(o, config, async (current) => getPullRequest(o.github, current, number));
}

/** The default branch as it is now; undefined: there is none, as in an empty repository. */
export async function lookAtDefaultBranch(o: Context, config: Config): Promise<SeenBranch | undefined> {
  return withRefreshedConfig(o, config, async (current) => {
    const repository = await readRepository(o.github, current);
    if (repository === undefined) return undefined;
    if (repository.repositoryId === current.repositoryId) await follow(o.pool, current, repository);
    const name = { ...current, githubOrg: repository.owner, githubRepo: repository.repo };
    const commit = await getBranchHead(o.github, name, repository.defaultBranch);
    if (commit === undefined) return undefined;
    return { repositoryId: repository.repositoryId, branch: repository.defaultBranch, commit };
  });
}

async function readRepository(github: GitHub, config: Config) {
  try {
    return await getRepository(github, config.installationId, config.githubOrg, config.githubRepo);
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}

/**
 * An App that was removed and installed again has a new installation, whose id the config does not know: an answer that says "not here"
 * or "not allowed" is believed only after the App itself was asked.
 */
async function withRefreshedConfig<T>(
  o: Context,
  config: Config,
  look: (config: Config) => Promise<T | undefined>,
): Promise<T | undefined> {
  const first = await look(config).catch((error: unknown) => {
    if (error instanceof GitHubError && (error.status === 401 || error.status === 403) && error.retryAfterMs === undefined)
      return undefined;
    throw error;
  });
  if (first !== undefined) return first;
  const resolved = await resolveRepository(o.github, config.githubOrg, config.githubRepo);
  if (resolved === undefined || resolved.repositoryId !== config.repositoryId) return undefined;
  if (
    resolved.installationId === config.installationId &&
    resolved.owner === config.githubOrg &&
    resolved.repo === config.githubRepo
  ) {
    return undefined;
  }
  await follow(o.pool, { ...config, installationId: resolved.installationId }, resolved);
  const current = await selectConfig(o.pool, config.id);
  return current === undefined ? undefined : look(current);
}

async function follow(pool: Pool, config: Config, now: { owner: string; repo: string; defaultBranch: string }): Promise<void> {
  await updateConfigRepository(pool, {
    id: config.id,
    githubOrg: now.owner,
    githubRepo: now.repo,
    installationId: config.installationId,
    defaultBranch: now.defaultBranch,
  });
}
