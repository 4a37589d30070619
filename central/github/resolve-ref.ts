import type { GitHub } from "./create-github.ts";
import type { RepositoryName } from "./get-pull-request.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

/** A tag may point to a tag; nobody needs more of them in a row. */
const maxTags = 5;

/** The commit of a branch or tag of the repository itself, by `heads/<name>` or `tags/<name>`; undefined: there is none. */
export async function resolveRef(github: GitHub, name: RepositoryName, ref: string): Promise<string | undefined> {
  const repository = { owner: name.githubOrg, repo: name.githubRepo };
  try {
    const { data } = await callGitHub(`reading ${ref} of ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/git/ref/{ref}", { ...repository, ref }),
    );
    // GitHub answers with the ref itself; a name that is none must not become another one.
    if (data.ref !== `refs/${ref}`) return undefined;
    let { type, sha } = data.object;
    for (let depth = 0; type === "tag" && depth < maxTags; depth += 1) {
      const tag = await callGitHub(`reading the tag ${ref} of ${name.githubOrg}/${name.githubRepo}`, async () =>
        (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/git/tags/{tag_sha}", {
          ...repository,
          tag_sha: sha,
        }),
      );
      ({ type, sha } = tag.data.object);
    }
    return type === "commit" ? sha : undefined;
  } catch (error) {
    if (error instanceof GitHubError && (error.missing || error.status === 422)) return undefined;
    throw error;
  }
}

/**
 * Whether a commit is the one that `base` names or an ancestor of it. That GitHub knows a commit under a repository's name says nothing: forks share
 * their objects, and anybody's commit can be asked for there.
 */
export async function isHeldBy(github: GitHub, name: RepositoryName, base: string, commit: string): Promise<boolean> {
  if (base === commit) return true;
  try {
    const { data } = await callGitHub(`comparing two commits of ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/compare/{basehead}", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        basehead: `${base}...${commit}`,
        per_page: 1,
      }),
    );
    return data.status === "behind" || data.status === "identical";
  } catch (error) {
    if (error instanceof GitHubError && (error.missing || error.status === 422)) return false;
    throw error;
  }
}
