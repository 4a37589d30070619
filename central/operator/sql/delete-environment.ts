import type { ClientBase } from "pg";

/** Deletes an environment; the tokens that were bound to it are revoked, and stay on record. */
export async function deleteEnvironment(client: ClientBase, id: bigint): Promise<void> {
  await client.query(`update operator_tokens set environment_id = null where environment_id = $1 and revoked_at is not null`, [
    id,
  ]);
  await client.query(`delete from environments where id = $1`, [id]);
}
