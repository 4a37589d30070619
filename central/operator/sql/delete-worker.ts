import type { ClientBase } from "pg";

/** Removes a worker and, with it, its keys. */
export async function deleteWorker(client: ClientBase, id: string): Promise<void> {
  await client.query(`delete from workers where id = $1`, [id]);
}
