import type { Pool } from "pg";

/**
 * Records why a worker takes no builds; null: it does, which is a word from it. One that does again may have lost what was on its disk, so that its
 * sites are compared with the tables soon.
 */
export async function setReadiness(pool: Pool, workerId: string, reason: string | null): Promise<void> {
  await pool.query(
    `update workers set not_ready_reason = $2, checked_at = now(),
       compared_at = case when $2::text is null and not_ready_reason is not null then null else compared_at end,
       seen_at = case when $2::text is null then now() else seen_at end,
       not_ready_since = case when $2::text is null then null else coalesce(not_ready_since, now()) end
     where id = $1`,
    [workerId, reason],
  );
}
