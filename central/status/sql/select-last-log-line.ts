import type { ClientBase } from "pg";

export async function selectLastLogLine(client: ClientBase, deploymentId: bigint): Promise<bigint> {
  const { rows } = await client.query<{ last: bigint }>(
    "select coalesce(max(line_number), 0)::bigint as last from deployment_log_lines where deployment_id = $1",
    [deploymentId],
  );
  return rows[0]?.last ?? 0n;
}
