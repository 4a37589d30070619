import type { ClientBase } from "pg";
import type { RunningState } from "../states.ts";

/** Renews the lease by the database's clock and, with a state, moves the deployment on to it. */
export async function updateRunning(client: ClientBase, deploymentId: bigint, state: RunningState | undefined): Promise<void> {
  await client.query(
    `update deployment_history
     set state = coalesce($2, state), lease_expires_at = now() + interval '30 seconds', waiting = null,
       dispatched_at = coalesce(dispatched_at, now())
     where id = $1 and state in ('queued', 'dispatched', 'cloning', 'building', 'publishing')`,
    [deploymentId, state ?? null],
  );
}
