import type { ClientBase } from "pg";

/**
 * Locks an environment against new workers and configs until the transaction ends: their foreign keys take a share lock on it. Says
 * what it has.
 */
export async function lockEnvironment(
  client: ClientBase,
  name: string,
): Promise<{ id: bigint; workers: bigint; configs: bigint } | undefined> {
  // PostgreSQL refuses a text with NUL; nothing is called so.
  if (name.includes("\0")) return undefined;
  const locked = await client.query<{ id: bigint }>(`select id from environments where name = $1 for update`, [name]);
  const id = locked.rows[0]?.id;
  if (id === undefined) return undefined;
  // Apart from the lock: a statement that waited for it would still count what it saw when it began.
  const { rows } = await client.query<{ workers: bigint; configs: bigint }>(
    `select (select count(*) from workers where environment_id = $1) as workers,
            (select count(*) from deployment_config where environment_id = $1) as configs`,
    [id],
  );
  return { id, ...rows[0]! };
}
