import type { GitHub } from "./create-github.ts";
import { callGitHub } from "./github-error.ts";

/**
 * A token that can read one repository's content and nothing else. It is asked for afresh each time and past the client's cache: the worker
 * revokes it after its clone, and two clones must not share one. The caller hands it on and forgets it.
 */
export async function mintCloneToken(
  github: GitHub,
  repository: { installationId: bigint; repositoryId: bigint },
): Promise<string> {
  const { data } = await callGitHub(`making a clone token for repository ${repository.repositoryId}`, () =>
    github.app.request("POST /app/installations/{installation_id}/access_tokens", {
      installation_id: Number(repository.installationId),
      repository_ids: [Number(repository.repositoryId)],
      permissions: { contents: "read" },
    }),
  );
  return data.token;
}
