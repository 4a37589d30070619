import type { GitHub } from "./create-github.ts";
import type { RepositoryName } from "./get-pull-request.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

const maxPages = 10;

export async function createComment(github: GitHub, name: RepositoryName, pullRequest: bigint, body: string): Promise<bigint> {
  const { data } = await callGitHub(
    `commenting on pull request ${pullRequest} of ${name.githubOrg}/${name.githubRepo}`,
    async () =>
      (await github.installation(name.installationId)).request("POST /repos/{owner}/{repo}/issues/{issue_number}/comments", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        issue_number: Number(pullRequest),
        body,
      }),
  );
  return BigInt(data.id);
}

export async function updateComment(github: GitHub, name: RepositoryName, commentId: bigint, body: string): Promise<void> {
  await callGitHub(`editing comment ${commentId} in ${name.githubOrg}/${name.githubRepo}`, async () =>
    (await github.installation(name.installationId)).request("PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}", {
      owner: name.githubOrg,
      repo: name.githubRepo,
      comment_id: Number(commentId),
      body,
    }),
  );
}

export async function deleteComment(github: GitHub, name: RepositoryName, commentId: bigint): Promise<void> {
  try {
    await callGitHub(`deleting comment ${commentId} in ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        comment_id: Number(commentId),
      }),
    );
  } catch (error) {
    if (!(error instanceof GitHubError && error.missing)) throw error;
  }
}

/** Our App's comments that begin with the marker, oldest first: anybody can write the marker, only the App can be its author. */
export async function findOwnComments(
  github: GitHub,
  name: RepositoryName,
  pullRequest: bigint,
  marker: string,
): Promise<bigint[]> {
  const own: bigint[] = [];
  for (let page = 1; page <= maxPages; page += 1) {
    const { data } = await callGitHub(
      `listing the comments of pull request ${pullRequest} of ${name.githubOrg}/${name.githubRepo}`,
      async () =>
        (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/issues/{issue_number}/comments", {
          owner: name.githubOrg,
          repo: name.githubRepo,
          issue_number: Number(pullRequest),
          per_page: 100,
          page,
        }),
    );
    for (const comment of data) {
      const app = comment.performed_via_github_app;
      // GITHUB_APP_ID may be the App's id or its client id: GitHub takes both.
      const ours = [String(app?.id), app?.client_id].includes(github.appId);
      if (ours && (comment.body ?? "").startsWith(marker)) own.push(BigInt(comment.id));
    }
    // Ours is made when the pull request is: with it on an early page the rest need not be read.
    if (data.length < 100 || own.length > 0) break;
  }
  return own;
}
