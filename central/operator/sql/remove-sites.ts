import type { ClientBase } from "pg";

/**
 * Ends all that is planned or running for a config's sites and gives each wanted or evicted one the next generation, as 'removing'. A site that is
 * being removed already keeps its generation: its worker may have been asked for it.
 */
export async function removeSites(client: ClientBase, configId: bigint): Promise<void> {
  await client.query(`update deployment_config set deleting = true, version = version + 1 where id = $1 and not deleting`, [
    configId,
  ]);
  await client.query(
    `update deployment_history set state = 'superseded', finished_at = now(), lease_expires_at = null, waiting = null
     where site_id in (select id from sites where config_id = $1)
       and state in ('held', 'queued', 'dispatched', 'cloning', 'building', 'publishing')`,
    [configId],
  );
  await client.query(
    `update sites set state = 'removing', generation = generation + 1, updated_at = now()
     where config_id = $1 and state in ('wanted', 'evicted')`,
    [configId],
  );
}
