import { UsageError } from "../errors.ts";

/** A repository as it is typed, `owner/name`. */
export function splitRepository(repository: string): { githubOrg: string; githubRepo: string } {
  const [githubOrg, githubRepo, ...rest] = repository.split("/");
  if (githubOrg === undefined || githubRepo === undefined || rest.length > 0 || githubOrg === "" || githubRepo === "") {
    throw new UsageError(`<owner/name>: expected a repository such as acme/site, not ${JSON.stringify(repository)}`);
  }
  return { githubOrg, githubRepo };
}
