import type { ClientBase } from "pg";

/** Removes a config, the rows of its removed sites and, with those, their history. */
export async function deleteDeploymentConfig(client: ClientBase, configId: bigint): Promise<void> {
  await client.query(`delete from sites where config_id = $1 and state = 'removed'`, [configId]);
  await client.query(`delete from deployment_config where id = $1`, [configId]);
}
