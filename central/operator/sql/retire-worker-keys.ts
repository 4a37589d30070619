import type { ClientBase } from "pg";

/**
 * The key with which Central signs what it asks of a worker: the newest whose counterpart, made at the same moment, a report came signed with; before
 * any did, the oldest. `createdAt` names the pair, as text: it holds microseconds.
 */
export async function selectKeyInUse(
  client: ClientBase,
  workerId: string,
): Promise<{ kid: string; sealed: Buffer; createdAt: string } | undefined> {
  const { rows } = await client.query<{ kid: string; sealed: Buffer; createdAt: string }>(
    `with active as (
       select k.kid, k.key_sealed, k.created_at, exists (
         select from worker_keys p where p.worker_id = k.worker_id and p.direction = 'to_central' and p.created_at = k.created_at
           and p.used_at is not null) as known
       from worker_keys k where k.worker_id = $1 and k.direction = 'to_worker' and k.retired_at is null
     )
     select kid, key_sealed as sealed, created_at::text as "createdAt" from active
     order by known desc, case when known then created_at end desc, created_at, kid limit 1`,
    [workerId],
  );
  return rows[0];
}

/** Ends all keys of a worker but the pair that is in use. */
export async function retireOtherKeys(client: ClientBase, workerId: string, keptCreatedAt: string | undefined): Promise<void> {
  await client.query(
    `update worker_keys set retired_at = now()
     where worker_id = $1 and retired_at is null and ($2::timestamptz is null or created_at <> $2::timestamptz)`,
    [workerId, keptCreatedAt ?? null],
  );
}
