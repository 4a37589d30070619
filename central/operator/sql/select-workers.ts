import type { ClientBase, Pool } from "pg";
import { hasNul } from "../no-nul.ts";
import type { WorkerRow } from "../rows.ts";

const select = `select w.id, e.name as environment, w.endpoint, w.enabled, w.draining, w.created_at, w.seen_at, w.checked_at, w.not_ready_reason,
    w.slots, w.free_bytes, w.total_bytes, w.canary_at, w.versions, w.version,
    (select count(*)::integer from deployment_history d where d.lease_expires_at is not null and d.worker_id = w.id) as running
  from workers w join environments e on e.id = w.environment_id`;

/** By environment and id. */
export async function selectWorkers(
  pool: Pool,
  o: { environment: string | undefined; after: readonly [string, string] | undefined; limit: number },
): Promise<WorkerRow[]> {
  if (hasNul(o.environment ?? "")) return [];
  const { rows } = await pool.query<WorkerRow>({
    name: "list-workers",
    text: `${select}
     where ($1::text is null or e.name = $1) and ($2::text is null or (e.name collate "C", w.id collate "C") > ($2, $3))
     order by e.name collate "C", w.id collate "C" limit $4`,
    values: [o.environment ?? null, o.after?.[0] ?? null, o.after?.[1] ?? null, o.limit],
  });
  return rows;
}

/** undefined: there is none, or it is of another environment than `within`. */
export async function selectWorker(
  client: ClientBase | Pool,
  id: string,
  within: string | undefined,
): Promise<WorkerRow | undefined> {
  if (hasNul(id)) return undefined;
  const { rows } = await client.query<WorkerRow>(`${select} where w.id = $1 and ($2::text is null or e.name = $2)`, [
    id,
    within ?? null,
  ]);
  return rows[0];
}

/** The one that has an environment's work; undefined: none has. */
export async function selectEnabledWorker(client: ClientBase, environmentId: bigint): Promise<WorkerRow | undefined> {
  const { rows } = await client.query<WorkerRow>(`${select} where w.environment_id = $1 and w.enabled`, [environmentId]);
  return rows[0];
}
