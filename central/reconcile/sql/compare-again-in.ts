import type { Pool } from "pg";

/** Has a worker compared again in so many seconds, where it would be in `everySeconds`. */
export async function compareAgainIn(pool: Pool, workerId: string, o: { seconds: number; everySeconds: number }): Promise<void> {
  await pool.query(
    "update workers set compared_at = now() - make_interval(secs => $2) where id = $1 and compared_at is not null",
    [workerId, o.everySeconds - o.seconds],
  );
}
