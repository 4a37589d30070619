import type { Pool } from "pg";

/** Enabled workers whose readiness nobody asked for in a while; of several replicas each goes to one. */
export async function claimWorkers(pool: Pool, everySeconds: number): Promise<{ id: string; endpoint: string }[]> {
  const { rows } = await pool.query<{ id: string; endpoint: string }>(
    `update workers set checked_at = now()
     where enabled and (checked_at is null or checked_at <= now() - make_interval(secs => $1))
     returning id, endpoint`,
    [everySeconds],
  );
  return rows;
}
