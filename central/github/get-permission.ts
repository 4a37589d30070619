import type { SeenPermission } from "#central/decision/may-approve.ts";
import type { GitHub } from "./create-github.ts";
import type { RepositoryName } from "./get-pull-request.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

/** What a person may do with a repository now; undefined: GitHub knows no such person there. */
export async function getPermission(github: GitHub, name: RepositoryName, login: string): Promise<SeenPermission | undefined> {
  try {
    const { data } = await callGitHub(`reading a permission on ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/collaborators/{username}/permission", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        username: login,
      }),
    );
    return data.user === null ? undefined : { permission: data.permission, userId: BigInt(data.user.id) };
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}
