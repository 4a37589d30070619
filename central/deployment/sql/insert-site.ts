import type { ClientBase } from "pg";
import type { DesiredSite } from "#central/decision/decide.ts";

/** Makes a site's row unless it is there or its host is somebody else's. */
export async function insertSite(
  client: ClientBase,
  config: { id: bigint; repositoryId: bigint },
  site: DesiredSite,
): Promise<void> {
  await client.query(
    `insert into sites (config_id, repository_id, kind, pull_request, host) values ($1, $2, $3, $4, $5) on conflict do nothing`,
    [config.id, config.repositoryId, site.kind, site.kind === "preview" ? site.pullRequest : null, site.host],
  );
}
