import type { Pool } from "pg";

export async function selectLogTail(pool: Pool, deploymentId: bigint, lines: number): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    "select line from deployment_log_lines where deployment_id = $1 order by line_number desc limit $2",
    [deploymentId, lines],
  );
  return rows.map((row) => row.line).toReversed();
}
