import type { ClientBase, Pool } from "pg";

/**
 * The repository that has a host, as a default branch's or as a site's that is there still; undefined: it is free. Whoever asks before
 * inserting gets a good message from it; that two never get one host is the constraints' work.
 */
export async function selectHostOwner(client: ClientBase | Pool, host: string): Promise<string | undefined> {
  const { rows } = await client.query<{ repository: string }>(
    `select github_org || '/' || github_repo as repository from deployment_config where production_host = $1
     union all
     select c.github_org || '/' || c.github_repo from sites s join deployment_config c on c.id = s.config_id where s.host = $1
     limit 1`,
    [host],
  );
  return rows[0]?.repository;
}
