import type { ClientBase } from "pg";
import { hasNul } from "../no-nul.ts";
import type { WorkerRow } from "../rows.ts";
import { selectWorker } from "./select-workers.ts";

/**
 * Undefined if there is no such environment. Fails on `workers_pkey` if the id is taken and on `workers_one_enabled` if the
 * environment has an enabled worker and this is one.
 */
export async function insertWorker(
  client: ClientBase,
  worker: { id: string; environment: string; endpoint: string; enabled: boolean },
): Promise<WorkerRow | undefined> {
  if (hasNul(worker.environment)) return undefined;
  await client.query(
    `insert into workers (id, environment_id, endpoint, enabled) select $1, id, $3, $4 from environments where name = $2`,
    [worker.id, worker.environment, worker.endpoint, worker.enabled],
  );
  return selectWorker(client, worker.id, worker.environment);
}
