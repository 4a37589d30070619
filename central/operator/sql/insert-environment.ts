import type { ClientBase } from "pg";
import type { EnvironmentRow } from "../rows.ts";

/** Fails on `environments_name_key` if the name is taken. */
export async function insertEnvironment(
  client: ClientBase,
  environment: { name: string; domainSuffixes: readonly string[]; sitesUrl: string },
): Promise<EnvironmentRow> {
  const { rows } = await client.query<EnvironmentRow>(
    `insert into environments (name, domain_suffixes, sites_url)
     values ($1, $2, $3)
     returning id, name, domain_suffixes, sites_url, created_at, version`,
    [environment.name, environment.domainSuffixes, environment.sitesUrl],
  );
  return rows[0]!;
}
