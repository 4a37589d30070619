import type { ClientBase, Pool } from "pg";

export type DeliveryEnd = { state: "processed" | "ignored" | "rejected" | "superseded" | "dead"; reason?: string | undefined };

/** Ends a claimed delivery; false: the claim was lost, so its effects must not be kept. */
export async function finishDelivery(
  client: Pool | ClientBase,
  claim: { guid: string; attempts: number },
  end: DeliveryEnd,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update webhook_deliveries set state = $3, reason = $4, finished_at = now()
     where guid = $1 and attempts = $2 and state = 'received'`,
    [claim.guid, claim.attempts, end.state, end.reason ?? null],
  );
  return rowCount === 1;
}
