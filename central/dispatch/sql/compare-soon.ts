import type { ClientBase, Pool } from "pg";

/** Has a worker's sites compared with the tables at the next look instead of in some minutes. */
export async function compareSoon(client: Pool | ClientBase, workerId: string): Promise<void> {
  await client.query("update workers set compared_at = null where id = $1", [workerId]);
}
