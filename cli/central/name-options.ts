const repository = "<owner/name>";

/** What is typed for a field of a request, by the field's path. */
export const typed: ReadonlyMap<string, string> = new Map([
  ["environment.name", "<name>"],
  ["environment.domain_suffixes", "--suffix"],
  ["environment.sites_url", "--sites-url"],
  ["worker.id", "<id>"],
  ["worker.environment", "--environment"],
  ["worker.endpoint", "--endpoint"],
  ["deployment_config.github_org", repository],
  ["deployment_config.github_repo", repository],
  ["deployment_config.repository_id", repository],
  ["deployment_config.environment", "--environment"],
  ["deployment_config.domain", "--domain"],
  ["deployment_config.subdomain", "--subdomain"],
  ["deployment_config.site_type", "--site-type"],
  ["deployment_config.build_command", "--build-command"],
  ["deployment_config.output_dir", "--output-dir"],
  ["deployment_config.root_dir", "--root-dir"],
  ["deployment_config.forks", "--forks"],
  ["deployment_config.max_running", "--max-running"],
  ["token.name", "<name>"],
  ["token.scope", "--scope"],
  ["token.environment", "--environment"],
  ["variable", "the value"],
  ["variable.name", "<NAME>"],
  ["variable.value", "the value"],
  ["environment", "--environment"],
  ["ref", "--ref"],
  ["commit", "--commit"],
  ["states", "--state"],
  ["token", "--token"],
  ["resource", "--resource"],
  ["github_org", repository],
  ["github_repo", repository],
]);
/** They name the one thing that the command is about, of which the message tells. */
const subjects: ReadonlySet<string> = new Set(["id", "name", "host", "site", "deployment", "pull_request"]);

/** Puts what was typed in place of the fields that Central's messages name: the caller knows options, not the contract. */
export function nameOptions(said: string): string {
  return said
    .replace(/^([a-z_]+(?:\.[a-z_]+)?)(?:\[\d+\])?: /gm, (came, path: string) => {
      if (subjects.has(path)) return "";
      const option = typed.get(path);
      return option === undefined ? came : `${option}: `;
    })
    .replace(/\bSet delete_sites\b/g, "Give --delete-sites");
}

/** As above, for one field. */
export function nameOption(path: string): string {
  return typed.get(path) ?? path;
}
