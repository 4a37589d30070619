import type { Pool } from "pg";

/** Records up to when a look was complete; never falls, whichever replica looked. */
export async function recordCompleteUntil(pool: Pool, name: string, until: Date): Promise<void> {
  await pool.query("update periodic_work set complete_until = greatest(complete_until, $2) where name = $1", [name, until]);
}
