import type { Pool } from "pg";

/** Takes away the looks that follow a change by some seconds, in case GitHub's reads lagged: for a test that waits until nothing is to be done. */
export async function dropLaterLooks(pool: Pool): Promise<void> {
  await pool.query(
    `select graphile_worker.complete_jobs(
       array(select id from graphile_worker.jobs where task_identifier = 'look' and attempts = 0 and run_at > now()))`,
  );
}
