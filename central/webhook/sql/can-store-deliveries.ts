import type pg from "pg";

/** Whether the database would take a delivery now: a standby and a database that was set read-only would not. Rejects if it does not answer. */
export async function canStoreDeliveries(client: pg.Pool | pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ writable: boolean }>(
    `select current_setting('transaction_read_only') = 'off' and has_table_privilege('webhook_deliveries', 'insert') as writable`,
  );
  return rows[0]?.writable ?? false;
}
