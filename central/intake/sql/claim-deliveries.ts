import type { Pool } from "pg";

export type ClaimedDelivery = { guid: string; event: string; body: string; attempts: number; traceparent: string | null };

/** How long a claim holds that nobody renews: what a replica's death delays its deliveries by. */
export const claimSeconds = 20;

/**
 * Takes due deliveries for this replica, oldest first; any number of replicas may. A claim is a number in `attempts` and a time that the replica
 * renews while it works: if it dies, another takes the delivery up after that, and what the dead one would still write no longer fits the number.
 */
export async function claimDeliveries(pool: Pool, limit: number): Promise<ClaimedDelivery[]> {
  const { rows } = await pool.query<ClaimedDelivery>(
    `update webhook_deliveries d set attempts = d.attempts + 1, next_attempt_at = now() + make_interval(secs => $2)
     from (
       select guid from webhook_deliveries where state = 'received' and next_attempt_at <= now()
       order by next_attempt_at limit $1 for update skip locked
     ) due
     where d.guid = due.guid
     returning d.guid, d.event, d.body, d.attempts, d.traceparent`,
    [limit, claimSeconds],
  );
  return rows;
}
