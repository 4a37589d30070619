import type { ClientBase } from "pg";

/** A config's sites that are served or still to be removed. */
export async function selectSitesToRemove(client: ClientBase, configId: bigint): Promise<{ id: bigint; host: string }[]> {
  const { rows } = await client.query<{ id: bigint; host: string }>(
    `select id, host from sites where config_id = $1 and state <> 'removed' order by id for update`,
    [configId],
  );
  return rows;
}
