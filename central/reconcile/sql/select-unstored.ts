import type { Pool } from "pg";

/** Which of these GUIDs no delivery is stored under. */
export async function selectUnstored(pool: Pool, guids: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ guid: string }>(
    `select guid from unnest($1::text[]) as wanted(guid)
     where not exists (select from webhook_deliveries d where d.guid = wanted.guid)`,
    [guids],
  );
  return rows.map((row) => row.guid);
}
