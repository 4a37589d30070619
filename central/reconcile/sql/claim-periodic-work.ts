import type { Pool } from "pg";

/**
 * Whether it is this replica's turn: of any number of them one gets true in each interval, by the database's clock. What it then does may
 * outlast the interval: harmless beside itself it must be all the same.
 */
export async function claimPeriodicWork(pool: Pool, name: string, everySeconds: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into periodic_work as work (name, began_at) values ($1, now())
     on conflict (name) do update set began_at = now() where work.began_at <= now() - make_interval(secs => $2)`,
    [name, everySeconds],
  );
  return rowCount === 1;
}
