import type { Pool } from "pg";

/** A client leaves GitHub alone for so long, unless it does for longer already. */
export async function recordSilence(pool: Pool, client: string, ms: number): Promise<void> {
  await pool.query(
    `insert into github_silence as silence (client, silent_until) values ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000))
     on conflict (client) do update set silent_until = greatest(silence.silent_until, excluded.silent_until)`,
    [client, ms],
  );
}
