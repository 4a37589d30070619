import type { SeenPullRequest } from "#central/decision/decide.ts";
import type { GitHub } from "./create-github.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

export type RepositoryName = { installationId: bigint; githubOrg: string; githubRepo: string };

type PullRequestAnswer = {
  number: number | bigint;
  state: string;
  head: { sha: string; ref: string; repo: { id: number | bigint } | null };
  base: { repo: { id: number | bigint } };
};

/** A pull request as GitHub has it now; undefined: there is none, or the App no longer sees its repository. */
export async function getPullRequest(github: GitHub, name: RepositoryName, number: bigint): Promise<SeenPullRequest | undefined> {
  try {
    const { data } = await callGitHub(`reading pull request ${number} of ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/pulls/{pull_number}", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        pull_number: Number(number),
      }),
    );
    return toSeen(data);
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}

export function toSeen(data: PullRequestAnswer): SeenPullRequest {
  return {
    number: BigInt(data.number),
    open: data.state === "open",
    commit: data.head.sha,
    branch: data.head.ref,
    headRepositoryId: data.head.repo === null ? undefined : BigInt(data.head.repo.id),
    baseRepositoryId: BigInt(data.base.repo.id),
  };
}
