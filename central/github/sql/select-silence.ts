import type { Pool } from "pg";

/** For how many milliseconds more a client leaves GitHub alone, by the database's clock; 0 when it need not. */
export async function selectSilence(pool: Pool, client: string): Promise<number> {
  const { rows } = await pool.query<{ ms: number }>(
    `select (extract(epoch from silent_until - clock_timestamp()) * 1000)::float8 as ms from github_silence
     where client = $1 and silent_until > clock_timestamp()`,
    [client],
  );
  return rows[0]?.ms ?? 0;
}
