import type { ClientBase } from "pg";

export type Waiting = "no_worker" | "unreachable" | "busy" | "not_ready" | "github" | "repository_busy";

/**
 * Puts a deployment that no worker took back in the queue; if it is `told`, with the reason that the pull request reads. gone: its worker
 * reported in the meantime, or something newer took its place. It keeps the worker's id: after an answer that was lost, that worker may report it.
 */
export async function handBack(
  client: ClientBase,
  deploymentId: bigint,
  waiting: Waiting,
  told: boolean,
): Promise<"queued" | "gone"> {
  const { rowCount } = await client.query(
    `update deployment_history
     set state = 'queued', lease_expires_at = null, dispatched_at = null, waiting = case when $3 then $2 else waiting end
     where id = $1 and state in ('queued', 'dispatched')`,
    [deploymentId, waiting, told],
  );
  return rowCount === 1 ? "queued" : "gone";
}
