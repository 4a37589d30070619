import type { ClientBase } from "pg";

/** A deployment's log ends here at Central; the worker caps it too, but a worker is not believed. */
export const maxLogLines = 20_000n;

export async function insertLogLines(
  client: ClientBase,
  deploymentId: bigint,
  first: bigint,
  lines: readonly string[],
): Promise<void> {
  await client.query(
    `insert into deployment_log_lines (deployment_id, line_number, line)
     select $1, $2::bigint + position - 1, line from unnest($3::text[]) with ordinality as lines(line, position)
     where $2::bigint + position - 1 <= $4::bigint
     on conflict do nothing`,
    [deploymentId, first, lines, maxLogLines],
  );
}
