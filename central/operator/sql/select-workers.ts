import type { Pool } from "pg";
import type { WorkerRow } from "../rows.ts";

export async function selectWorkers(pool: Pool): Promise<WorkerRow[]> {
  const { rows } = await pool.query<WorkerRow>(
    `select w.id, e.name as environment, w.endpoint, w.enabled, w.created_at, w.seen_at, w.not_ready_reason
     from workers w join environments e on e.id = w.environment_id
     order by e.name collate "C", w.id collate "C"`,
  );
  return rows;
}
