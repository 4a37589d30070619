import type { ClientBase } from "pg";

/**
 * Ends what is left of a site whose config is being deleted; the config, and the rows of sites that were removed long before, go with the last
 * one.
 */
export async function deleteRemovedSite(client: ClientBase, siteId: bigint): Promise<void> {
  const { rows } = await client.query<{ id: bigint }>(
    `select c.id from deployment_config c join sites s on s.config_id = c.id
     where s.id = $1 and s.state = 'removed' and c.deleting for update of c`,
    [siteId],
  );
  const config = rows[0];
  if (config === undefined) return;
  await client.query("delete from sites where id = $1", [siteId]);
  const left = await client.query("select from sites where config_id = $1 and state <> 'removed' limit 1", [config.id]);
  if (left.rowCount !== 0) return;
  await client.query("delete from sites where config_id = $1", [config.id]);
  await client.query("delete from deployment_config where id = $1", [config.id]);
}
