import type { Pool } from "pg";

/** Puts a claimed delivery off; without a delay it is given up as dead. */
export async function postponeDelivery(
  pool: Pool,
  claim: { guid: string; attempts: number },
  o: { reason: string; delayMs: number | undefined },
): Promise<void> {
  await pool.query(
    `update webhook_deliveries set reason = $3,
       state = case when $4::double precision is null then 'dead' else state end,
       finished_at = case when $4::double precision is null then now() end,
       next_attempt_at = now() + make_interval(secs => coalesce($4::double precision, 0))
     where guid = $1 and attempts = $2 and state = 'received'`,
    [claim.guid, claim.attempts, o.reason.slice(0, 1000), o.delayMs === undefined ? null : o.delayMs / 1000],
  );
}
