import type { Pool } from "pg";

/** The lines with numbers over `from`, up to `to`. */
export async function selectLogLines(
  pool: Pool,
  deploymentId: bigint,
  from: bigint,
  to: bigint,
): Promise<{ number: bigint; line: string }[]> {
  const { rows } = await pool.query<{ number: bigint; line: string }>(
    `select line_number as number, line from deployment_log_lines
     where deployment_id = $1 and line_number > $2 and line_number <= $3 order by line_number`,
    [deploymentId, from, to],
  );
  return rows;
}
