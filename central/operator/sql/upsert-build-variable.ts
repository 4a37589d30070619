import type { ClientBase } from "pg";

export async function upsertBuildVariable(
  client: ClientBase,
  o: { configId: bigint; name: string; valueSealed: Buffer },
): Promise<void> {
  await client.query(
    `insert into build_variables (config_id, name, value_sealed) values ($1, $2, $3)
     on conflict (config_id, name) do update set value_sealed = excluded.value_sealed, updated_at = now()`,
    [o.configId, o.name, o.valueSealed],
  );
}
