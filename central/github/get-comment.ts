import type { GitHub } from "./create-github.ts";
import type { RepositoryName } from "./get-pull-request.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

export type SeenComment = {
  /** The number of the issue or pull request that it stands on. */
  number: bigint;
  body: string;
  author: { id: bigint; login: string; type: string } | undefined;
  /** An App wrote it, be it in a person's name. */
  byApp: boolean;
};

/** A comment on an issue or pull request as GitHub has it now; undefined: there is none. */
export async function getComment(github: GitHub, name: RepositoryName, commentId: bigint): Promise<SeenComment | undefined> {
  try {
    const { data } = await callGitHub(`reading comment ${commentId} in ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/issues/comments/{comment_id}", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        comment_id: Number(commentId),
      }),
    );
    return {
      number: BigInt(/\/issues\/(\d{1,15})$/.exec(data.issue_url)?.[1] ?? "0"),
      body: data.body ?? "",
      author: data.user === null ? undefined : { id: BigInt(data.user.id), login: data.user.login, type: data.user.type },
      byApp: (data.performed_via_github_app ?? null) !== null,
    };
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return undefined;
    throw error;
  }
}
