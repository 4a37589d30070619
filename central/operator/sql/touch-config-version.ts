import type { ClientBase } from "pg";

export async function touchConfigVersion(client: ClientBase, configId: bigint): Promise<void> {
  await client.query(`update deployment_config set version = version + 1 where id = $1`, [configId]);
}
