import type { Pool } from "pg";

/** Records a word from a worker, at most every five seconds: each is a write. */
export async function touchWorker(pool: Pool, workerId: string): Promise<void> {
  await pool.query(
    "update workers set seen_at = now() where id = $1 and (seen_at is null or seen_at < now() - interval '5 seconds')",
    [workerId],
  );
}
