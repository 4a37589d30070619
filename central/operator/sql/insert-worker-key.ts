import type { ClientBase } from "pg";

export async function insertWorkerKey(
  client: ClientBase,
  key: { kid: string; workerId: string; direction: "to_worker" | "to_central"; keySealed: Buffer },
): Promise<void> {
  await client.query(`insert into worker_keys (kid, worker_id, direction, key_sealed) values ($1, $2, $3, $4)`, [
    key.kid,
    key.workerId,
    key.direction,
    key.keySealed,
  ]);
}
