import type { GitHub } from "./create-github.ts";
import type { RepositoryName } from "./get-pull-request.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

/** The commit that a branch points to; undefined: there is no such branch. */
export async function getBranchHead(github: GitHub, name: RepositoryName, branch: string): Promise<string | undefined> {
  try {
    const { data } = await callGitHub(`reading the default branch of ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/branches/{branch}", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        branch,
      }),
    );
    return data.commit.sha;
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}
