import type { ClientBase } from "pg";

export async function deleteEnvironment(client: ClientBase, id: bigint): Promise<void> {
  await client.query(`delete from environments where id = $1`, [id]);
}
