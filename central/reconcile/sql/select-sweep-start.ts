import type { Pool } from "pg";

/**
 * From when on GitHub's deliveries must be looked through, and now, both by the database's clock: from the last complete look, with ten minutes
 * for what was under way and for clocks that differ, and no further back than the three days that GitHub keeps.
 */
export async function selectSweepStart(pool: Pool, name: string): Promise<{ from: Date; now: Date }> {
  const { rows } = await pool.query<{ from: Date; now: Date }>(
    `select greatest(
         coalesce((select complete_until from periodic_work where name = $1) - interval '10 minutes', '-infinity'),
         now() - interval '3 days') as from,
       now() as now`,
    [name],
  );
  const row = rows[0];
  if (row === undefined) throw new Error("selecting a sweep's start: no row");
  return row;
}
