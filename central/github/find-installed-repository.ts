import type { Repository } from "./get-repository.ts";
import type { GitHub } from "./create-github.ts";
import { callGitHub, GitHubError } from "./github-error.ts";

const pageSize = 100;
const maxPages = 50;

/** Finds a repository by its id among those of an installation, whatever it is called now. undefined: it is not one of them. */
export async function findInstalledRepository(
  github: GitHub,
  installationId: bigint,
  repositoryId: bigint,
): Promise<Repository | undefined> {
  for (let page = 1; page <= maxPages; page += 1) {
    const repositories = await listPage(github, installationId, page);
    const found = repositories.find((one) => BigInt(one.id) === repositoryId);
    if (found !== undefined) {
      return { repositoryId, owner: found.owner.login, repo: found.name, defaultBranch: found.default_branch };
    }
    if (repositories.length < pageSize) return undefined;
  }
  return undefined;
}

async function listPage(github: GitHub, installationId: bigint, page: number) {
  try {
    const { data } = await callGitHub(`listing the repositories of installation ${installationId}`, async () =>
      (await github.installation(installationId)).request("GET /installation/repositories", { per_page: pageSize, page }),
    );
    return data.repositories;
  } catch (error) {
    // The installation itself is gone.
    if (error instanceof GitHubError && (error.missing || error.status === 401)) return [];
    throw error;
  }
}
