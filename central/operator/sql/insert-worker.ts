import type { ClientBase } from "pg";
import type { WorkerRow } from "../rows.ts";

/**
 * Undefined if there is no such environment. Fails on `workers_pkey` if the id is taken and on `workers_one_enabled` if the
 * environment has an enabled worker and this is one.
 */
export async function insertWorker(
  client: ClientBase,
  worker: { id: string; environment: string; endpoint: string; enabled: boolean },
): Promise<WorkerRow | undefined> {
  // PostgreSQL refuses a text with NUL; nothing is called so.
  if (worker.environment.includes("\0")) return undefined;
  const { rows } = await client.query<WorkerRow>(
    `insert into workers (id, environment_id, endpoint, enabled)
     select $1, id, $3, $4 from environments where name = $2
     returning id, $2 as environment, endpoint, enabled, created_at, seen_at, not_ready_reason`,
    [worker.id, worker.environment, worker.endpoint, worker.enabled],
  );
  return rows[0];
}
