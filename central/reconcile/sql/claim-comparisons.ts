import type { Pool } from "pg";

/** Enabled workers whose sites were not compared with the tables in a while; of several replicas each goes to one. */
export async function claimComparisons(pool: Pool, everySeconds: number): Promise<{ id: string; endpoint: string }[]> {
  const { rows } = await pool.query<{ id: string; endpoint: string }>(
    `update workers set compared_at = now()
     where enabled and (compared_at is null or compared_at <= now() - make_interval(secs => $1))
     returning id, endpoint`,
    [everySeconds],
  );
  return rows;
}
