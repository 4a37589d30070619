import type { ClientBase } from "pg";

/** false: there was none of that name. */
export async function deleteBuildVariable(client: ClientBase, configId: bigint, name: string): Promise<boolean> {
  const { rowCount } = await client.query("delete from build_variables where config_id = $1 and name = $2", [configId, name]);
  return rowCount === 1;
}
