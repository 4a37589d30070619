import type { GitHub } from "./create-github.ts";
import { callGitHub } from "./github-error.ts";

export type Repository = { repositoryId: bigint; owner: string; repo: string; defaultBranch: string };

export async function getRepository(github: GitHub, installationId: bigint, owner: string, repo: string): Promise<Repository> {
  const { data } = await callGitHub(`reading the repository ${owner}/${repo}`, async () =>
    (await github.installation(installationId)).request("GET /repos/{owner}/{repo}", { owner, repo }),
  );
  return { repositoryId: BigInt(data.id), owner: data.owner.login, repo: data.name, defaultBranch: data.default_branch };
}
