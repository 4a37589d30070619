import type { Pool } from "pg";

/** Frees the jobs and queues that these runners hold: whoever comes next runs them. */
export async function forceUnlock(pool: Pool, workerIds: readonly string[]): Promise<void> {
  await pool.query("select graphile_worker.force_unlock_workers($1)", [workerIds]);
}
