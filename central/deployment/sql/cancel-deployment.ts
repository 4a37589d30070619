import type { ClientBase } from "pg";

/** Ends what no worker has, and asks for the end of what one has, or may have. unchanged: it has ended, or was asked to. */
export async function cancelDeployment(client: ClientBase, id: bigint): Promise<"canceled" | "asked" | "unchanged"> {
  const ended = await client.query(
    `update deployment_history set state = 'canceled', finished_at = now(), waiting = null where id = $1 and state in ('held', 'queued')`,
    [id],
  );
  if (ended.rowCount === 1) return "canceled";
  const asked = await client.query(
    `update deployment_history set cancel_requested = true where id = $1 and lease_expires_at is not null and not cancel_requested`,
    [id],
  );
  return asked.rowCount === 1 ? "asked" : "unchanged";
}
