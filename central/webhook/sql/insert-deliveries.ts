import type { ClientBase, Pool } from "pg";

export type NewDelivery = { guid: string; event: string; body: Buffer; traceparent?: string | undefined };

/**
 * Stores deliveries; their GUIDs must differ. A GUID that is there already and was not processed is taken up again: GitHub redelivers only
 * when somebody asks for it. The body goes as a Buffer into the text column: jsonb refuses \u0000 and is slower, and escaping an array of texts
 * for unnest takes the gain of one statement away.
 */
export async function insertDeliveries(client: Pool | ClientBase, deliveries: readonly NewDelivery[]): Promise<void> {
  const rows = deliveries.map((_, index) => [1, 2, 3, 4].map((column) => `$${index * 4 + column}`));
  await client.query(
    `insert into webhook_deliveries (guid, event, body, traceparent) values ${rows.map((row) => `(${row.join(", ")})`).join(", ")}
     on conflict (guid) do update
       set state = 'received', reason = null, finished_at = null, attempts = 0, next_attempt_at = now()
       where webhook_deliveries.state not in ('processed', 'superseded')`,
    deliveries.flatMap((delivery) => [delivery.guid, delivery.event, delivery.body, delivery.traceparent ?? null]),
  );
}
