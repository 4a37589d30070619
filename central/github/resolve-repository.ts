import type { GitHub } from "./create-github.ts";
import { callGitHub, GitHubError } from "./github-error.ts";
import { getRepository } from "./get-repository.ts";

export type ResolvedRepository = {
  repositoryId: bigint;
  installationId: bigint;
  owner: string;
  repo: string;
  defaultBranch: string;
};

// Finds a repository by name through the App. undefined: the App does not see it, be it missing, private or not installed.
export async function resolveRepository(github: GitHub, owner: string, repo: string): Promise<ResolvedRepository | undefined> {
  try {
    const { data } = await callGitHub(`finding the App's installation on ${owner}/${repo}`, () =>
      github.app.request("GET /repos/{owner}/{repo}/installation", { owner, repo }),
    );
    const installationId = BigInt(data.id);
    const found = await getRepository(github, installationId, owner, repo);
    return { installationId, ...found };
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}
