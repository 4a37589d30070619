import type { ClientBase } from "pg";

/** Locks a worker until the transaction ends and says how many of its deployments run. */
export async function lockWorker(client: ClientBase, id: string): Promise<{ running: bigint } | undefined> {
  // PostgreSQL refuses a text with NUL; nothing is called so.
  if (id.includes("\0")) return undefined;
  const locked = await client.query(`select from workers where id = $1 for update`, [id]);
  if (locked.rowCount === 0) return undefined;
  const { rows } = await client.query<{ running: bigint }>(
    `select count(*) as running from deployment_history
     where worker_id = $1 and state in ('dispatched', 'cloning', 'building', 'publishing')`,
    [id],
  );
  return rows[0];
}
