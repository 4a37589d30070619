import type pg from "pg";

/** A deployment's log after the given line, in order. */
export async function selectLogLines(
  client: pg.Pool,
  o: { deploymentId: bigint; after: bigint },
): Promise<{ line_number: bigint; line: string }[]> {
  const { rows } = await client.query<{ line_number: bigint; line: string }>(
    `select line_number, line from deployment_log_lines where deployment_id = $1 and line_number > $2 order by line_number`,
    [o.deploymentId, o.after],
  );
  return rows;
}
