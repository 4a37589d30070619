import type { ClientBase } from "pg";

export type Waiting = "no_worker" | "unreachable" | "busy" | "not_ready" | "github" | "repository_busy";

/**
 * Puts a deployment that no worker took back in the queue; if it is `told`, with the reason that the pull request reads. gone: its worker
 * reported in the meantime, or an operator asked for its end, or something newer took its place. It keeps the worker's id: after an answer that was lost, that worker may report it.
 */
export async function handBack(
  client: ClientBase,
  deploymentId: bigint,
  waiting: Waiting,
  told: boolean,
): Promise<"queued" | "gone"> {
  const { rows } = await client.query<{ state: string }>(
    `update deployment_history
     set state = case when cancel_requested then 'canceled' else 'queued' end,
       finished_at = case when cancel_requested then now() end, lease_expires_at = null, dispatched_at = null,
       waiting = case when cancel_requested then null when $3 then $2 else waiting end
     where id = $1 and state in ('queued', 'dispatched') returning state`,
    [deploymentId, waiting, told],
  );
  return rows[0]?.state === "queued" ? "queued" : "gone";
}
