import type { ClientBase } from "pg";
import type { EnvironmentRow } from "../rows.ts";

export async function updateEnvironmentRow(
  client: ClientBase,
  id: bigint,
  values: { domainSuffixes: readonly string[]; sitesUrl: string },
): Promise<EnvironmentRow> {
  const { rows } = await client.query<EnvironmentRow>(
    `update environments set domain_suffixes = $2, sites_url = $3, version = version + 1 where id = $1
     returning id, name, domain_suffixes, sites_url, created_at, version`,
    [id, values.domainSuffixes, values.sitesUrl],
  );
  return rows[0]!;
}
