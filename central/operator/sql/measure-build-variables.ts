import type { ClientBase } from "pg";
import { sealOverhead } from "#central/database/seal.ts";

/** How many build variables a config has, and the bytes of their names and values. */
export async function measureBuildVariables(client: ClientBase, configId: bigint): Promise<{ count: number; bytes: number }> {
  const { rows } = await client.query<{ count: bigint; bytes: bigint }>(
    `select count(*) as count, coalesce(sum(octet_length(name) + octet_length(value_sealed) - $2::int), 0)::bigint as bytes
     from build_variables where config_id = $1`,
    [configId, sealOverhead],
  );
  return { count: Number(rows[0]!.count), bytes: Number(rows[0]!.bytes) };
}
