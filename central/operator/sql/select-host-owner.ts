import type { ClientBase, Pool } from "pg";

export type HostOwner = { repository: string; environment: string };

/**
 * The repository that has a host, as a default branch's or as a site's that is there still; undefined: it is free. Whoever asks before
 * inserting gets a good message from it; that two never get one host is the constraints' work.
 */
export async function selectHostOwner(client: ClientBase | Pool, host: string): Promise<HostOwner | undefined> {
  const { rows } = await client.query<HostOwner>(
    `select c.github_org || '/' || c.github_repo as repository, e.name as environment
     from deployment_config c join environments e on e.id = c.environment_id where c.production_host = $1
     union all
     select c.github_org || '/' || c.github_repo, e.name
     from sites s join deployment_config c on c.id = s.config_id join environments e on e.id = c.environment_id where s.host = $1
     limit 1`,
    [host],
  );
  return rows[0];
}
