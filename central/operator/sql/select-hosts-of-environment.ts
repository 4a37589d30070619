import type { ClientBase } from "pg";

/** What an environment's suffixes have to cover: the domain of each config with the longest label of its previews, and hosts that are still served. */
export async function selectHostsOfEnvironment(
  client: ClientBase,
  environmentId: bigint,
): Promise<{ host: string; previewLabel: string }[]> {
  const { rows } = await client.query<{ host: string; previewLabel: string }>(
    `select domain as host, preview_label as "previewLabel" from deployment_config where environment_id = $1
     union all
     select s.host, '' from sites s join deployment_config c on c.id = s.config_id
     where c.environment_id = $1 and s.state <> 'removed' and s.leaving`,
    [environmentId],
  );
  return rows;
}
