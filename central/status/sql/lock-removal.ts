import type { ClientBase } from "pg";

export type Removal = { generation: bigint; state: string; kind: "preview" | "production" };

/** A site whose removal this worker was asked for. */
export async function lockRemoval(client: ClientBase, siteId: bigint, workerId: string): Promise<Removal | undefined> {
  const { rows } = await client.query<Removal>(
    "select generation, state, kind from sites where id = $1 and (worker_id = $2 or state = 'removed') for update",
    [siteId, workerId],
  );
  return rows[0];
}
