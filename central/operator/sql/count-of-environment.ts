import type { ClientBase } from "pg";

/** What an environment has. Apart from its lock: a statement that waited for it would still count what it saw when it began. */
export async function countOfEnvironment(
  client: ClientBase,
  environmentId: bigint,
): Promise<{ workers: bigint; configs: bigint; tokens: bigint; running: bigint }> {
  const { rows } = await client.query<{ workers: bigint; configs: bigint; tokens: bigint; running: bigint }>(
    `select (select count(*) from workers where environment_id = $1) as workers,
            (select count(*) from deployment_config where environment_id = $1) as configs,
            (select count(*) from operator_tokens where environment_id = $1 and revoked_at is null) as tokens,
            (select count(*) from deployment_history d join sites s on s.id = d.site_id
             join deployment_config c on c.id = s.config_id
             where d.lease_expires_at is not null and c.environment_id = $1) as running`,
    [environmentId],
  );
  return rows[0]!;
}
