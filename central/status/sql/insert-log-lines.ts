import type { ClientBase } from "pg";

/** A deployment's log ends here at Central; the worker caps it too, but a worker is not believed. */
export const maxLogLines = 60_000n;
export const maxLogBytes = 8n * 1024n * 1024n;

/**
 * Stores a log's next lines as far as they are within its caps; the deployment must be locked. The first line that does not fit closes the log,
 * so that none that is shorter comes after a gap.
 */
export async function insertLogLines(
  client: ClientBase,
  deploymentId: bigint,
  first: bigint,
  lines: readonly string[],
): Promise<void> {
  await client.query(
    `with given as (
       select $2::bigint + position - 1 as line_number, line, sum(octet_length(line)) over (order by position) as bytes
       from unnest($3::text[]) with ordinality as lines(line, position)
       where not exists (
         select from deployment_log_lines old where old.deployment_id = $1 and old.line_number = $2::bigint + position - 1)
     ), inserted as (
       insert into deployment_log_lines (deployment_id, line_number, line)
       select $1, line_number, line from given
       where line_number <= $4::bigint and bytes <= $5::bigint - (select log_bytes from deployment_history where id = $1)
       on conflict do nothing
       returning octet_length(line) as bytes
     )
     update deployment_history set log_bytes = case when (select coalesce(max(bytes), 0) from given) > $5::bigint - log_bytes then $5::bigint
       else log_bytes + (select coalesce(sum(bytes), 0) from inserted) end
     where id = $1 and exists (select from given)`,
    [deploymentId, first, lines, maxLogLines, maxLogBytes],
  );
}
