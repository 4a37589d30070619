import type { ClientBase } from "pg";

/** The sites that give way to this one, at hosts that its config had before; locked. */
export async function lockLeaving(client: ClientBase, siteId: bigint): Promise<bigint[]> {
  const { rows } = await client.query<{ id: bigint }>(
    `select l.id from sites s join sites l on l.config_id = s.config_id and l.kind = s.kind and l.pull_request is not distinct from s.pull_request
     where s.id = $1 and not s.leaving and l.leaving and l.state = 'wanted' order by l.id for update of l`,
    [siteId],
  );
  return rows.map((row) => row.id);
}
