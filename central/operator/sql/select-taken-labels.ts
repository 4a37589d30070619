import type { ClientBase, Pool } from "pg";

/** Which of these preview labels other configs than `own` have in a domain. */
export async function selectTakenLabels(
  client: ClientBase | Pool,
  o: { domain: string; labels: readonly string[]; own: bigint | undefined },
): Promise<Set<string>> {
  const { rows } = await client.query<{ label: string }>(
    `select preview_label as label from deployment_config
     where domain = $1 and preview_label = any($2::text[]) and id is distinct from $3`,
    [o.domain, o.labels, o.own ?? null],
  );
  return new Set(rows.map(({ label }) => label));
}
