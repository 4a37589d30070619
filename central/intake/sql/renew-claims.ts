import type { Pool } from "pg";
import { claimSeconds } from "./claim-deliveries.ts";

/** Keeps claims that this replica still works on. One that was lost, or put off for longer, stays as it is. */
export async function renewClaims(pool: Pool, claims: { guid: string; attempts: number }[]): Promise<void> {
  await pool.query(
    `update webhook_deliveries d set next_attempt_at = greatest(d.next_attempt_at, now() + make_interval(secs => $3))
     from unnest($1::text[], $2::int[]) claim (guid, attempts)
     where d.guid = claim.guid and d.attempts = claim.attempts and d.state = 'received'`,
    [claims.map(({ guid }) => guid), claims.map(({ attempts }) => attempts), claimSeconds],
  );
}
