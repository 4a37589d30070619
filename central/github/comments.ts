import type { GitHub } from "./create-github.ts";
import type { RepositoryName } from "./get-pull-request.ts";
import { callGitHub } from "./github-error.ts";

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

/** Our App's comment that begins with the marker: anybody can write the marker, only the App can be its author. */
export async function findOwnComment(
  github: GitHub,
  name: RepositoryName,
  pullRequest: bigint,
  marker: string,
): Promise<bigint | undefined> {
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
    const own = data.find((comment) => {
      const app = comment.performed_via_github_app;
      // GITHUB_APP_ID may be the App's id or its client id: GitHub takes both.
      return (comment.body ?? "").startsWith(marker) && [String(app?.id), app?.client_id].includes(github.appId);
    });
    if (own !== undefined) return BigInt(own.id);
    if (data.length < 100) return undefined;
  }
  return undefined;
}
