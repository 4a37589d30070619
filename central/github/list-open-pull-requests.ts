import type { SeenPullRequest } from "#central/decision/decide.ts";
import type { GitHub } from "./create-github.ts";
import { type RepositoryName, toSeen } from "./get-pull-request.ts";
import { callGitHub } from "./github-error.ts";

const pageSize = 100;
const maxPages = 10;

/** The newest 1,000 open pull requests: more previews than that are nobody's wish. */
export async function listOpenPullRequests(github: GitHub, name: RepositoryName): Promise<SeenPullRequest[]> {
  const found: SeenPullRequest[] = [];
  for (let page = 1; page <= maxPages; page += 1) {
    const { data } = await callGitHub(`listing the open pull requests of ${name.githubOrg}/${name.githubRepo}`, async () =>
      (await github.installation(name.installationId)).request("GET /repos/{owner}/{repo}/pulls", {
        owner: name.githubOrg,
        repo: name.githubRepo,
        state: "open",
        per_page: pageSize,
        page,
      }),
    );
    found.push(...data.map(toSeen));
    if (data.length < pageSize) break;
  }
  return found;
}
