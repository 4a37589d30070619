import type { ClientBase } from "pg";

/**
 * Deletes the row of a site that gave way and is removed, so that its host is free; with its config, if that is being deleted and this was the last.
 * false: it is no such site, and its pull request is to be told.
 */
export async function deleteLeft(client: ClientBase, siteId: bigint): Promise<boolean> {
  const { rows } = await client.query<{ configId: bigint }>(
    `delete from sites where id = $1 and leaving and state = 'removed' returning config_id as "configId"`,
    [siteId],
  );
  const configId = rows[0]?.configId;
  if (configId === undefined) return false;
  const left = await client.query(
    `select from deployment_config c where c.id = $1 and (not c.deleting or exists (
       select from sites s where s.config_id = c.id and s.state <> 'removed'))`,
    [configId],
  );
  if (left.rowCount === 0) {
    await client.query("delete from sites where config_id = $1", [configId]);
    await client.query("delete from deployment_config where id = $1 and deleting", [configId]);
  }
  return true;
}
