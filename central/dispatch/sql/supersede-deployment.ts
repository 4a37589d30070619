import type { ClientBase } from "pg";

/** Records that a worker knows something newer of the site than this deployment. */
export async function supersedeDeployment(client: ClientBase, deploymentId: bigint): Promise<boolean> {
  const { rowCount } = await client.query(
    `update deployment_history set state = 'superseded', finished_at = now(), lease_expires_at = null, waiting = null
     where id = $1 and state in ('queued', 'dispatched')`,
    [deploymentId],
  );
  return rowCount === 1;
}
