import type { Pool } from "pg";
import type { SeenBranch, SeenPullRequest } from "#central/decision/decide.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { getBranchHead } from "#central/github/get-branch-head.ts";
import { getPullRequest } from "#central/github/get-pull-request.ts";
import { findInstalledRepository } from "#central/github/find-installed-repository.ts";
import { getRepository, type Repository } from "#central/github/get-repository.ts";
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
 * A repository that was renamed, or an App that was removed and installed again, answers "not here" or "not allowed" under what the config knows:
 * "not here" is believed only after the repository was looked for by its id and, where it is found, was asked once more. "Not allowed" says
 * nothing of what is there: it stays an error, to be tried again.
 */
export async function withRefreshedConfig<T>(
  o: Context,
  config: Config,
  look: (config: Config) => Promise<T | undefined>,
): Promise<T | undefined> {
  let refusal: GitHubError | undefined;
  const first = await look(config).catch((error: unknown) => {
    const refused = error instanceof GitHubError && (error.status === 401 || error.status === 403);
    if (!refused || error.retryAfterMs !== undefined) throw error;
    refusal = error;
    return undefined;
  });
  if (first !== undefined) return first;
  const found = await locate(o.github, config);
  if (found === undefined && refusal !== undefined) throw refusal;
  if (found === undefined) return undefined;
  if (!isElsewhere(found, config)) return look(config);
  await follow(o.pool, { ...config, installationId: found.installationId }, found);
  const current = await selectConfig(o.pool, config.id);
  return current === undefined ? undefined : look(current);
}

/** Where a config's repository is now; undefined: GitHub shows the App no repository of that id. */
async function locate(github: GitHub, config: Config): Promise<(Repository & { installationId: bigint }) | undefined> {
  const named = await resolveRepository(github, config.githubOrg, config.githubRepo);
  if (named?.repositoryId === config.repositoryId) return named;
  const found = await findInstalledRepository(github, config.installationId, config.repositoryId);
  return found === undefined ? undefined : { ...found, installationId: config.installationId };
}

function isElsewhere(found: Repository & { installationId: bigint }, config: Config): boolean {
  return found.installationId !== config.installationId || found.owner !== config.githubOrg || found.repo !== config.githubRepo;
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
