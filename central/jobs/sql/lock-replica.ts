import type { ClientBase } from "pg";

/** The first half of the two-part advisory locks that show which job runners live. */
export const replicaLockClass = 726_240;

export async function lockReplica(client: ClientBase, workerId: string): Promise<void> {
  await client.query("select pg_advisory_lock($1, hashtext($2))", [replicaLockClass, workerId]);
}
