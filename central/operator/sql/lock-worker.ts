import type { ClientBase } from "pg";
import { hasNul } from "../no-nul.ts";
import type { WorkerRow } from "../rows.ts";
import { selectWorker } from "./select-workers.ts";

/**
 * Locks a worker's environment, since which of its workers is enabled concerns them all, and the worker; answers it as it is then.
 * Not their keys: a dispatch that stores a site's worker holds the site, which EnableWorker wants after this.
 */
export async function lockWorker(
  client: ClientBase,
  id: string,
  within: string | undefined,
): Promise<{ row: WorkerRow; environmentId: bigint } | undefined> {
  if (hasNul(id)) return undefined;
  const found = await client.query<{ id: bigint }>(
    `select e.id from environments e where e.id = (select w.environment_id from workers w where w.id = $1)
       and ($2::text is null or e.name = $2) for no key update`,
    [id, within ?? null],
  );
  const environmentId = found.rows[0]?.id;
  if (environmentId === undefined) return undefined;
  await client.query(`select from workers where environment_id = $1 order by id for no key update`, [environmentId]);
  const row = await selectWorker(client, id, within);
  return row === undefined ? undefined : { row, environmentId };
}
