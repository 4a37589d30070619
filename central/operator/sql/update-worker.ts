import type { ClientBase } from "pg";

export async function updateWorkerEndpoint(client: ClientBase, id: string, endpoint: string): Promise<void> {
  await client.query(`update workers set endpoint = $2, checked_at = null, version = version + 1 where id = $1`, [id, endpoint]);
}

/** Of an environment's workers this one gets its work, or none does. Whoever is no longer enabled drains no more either. */
export async function updateEnabledWorker(client: ClientBase, environmentId: bigint, id: string | undefined): Promise<void> {
  await client.query(
    `update workers set enabled = false, draining = false, version = version + 1
     where environment_id = $1 and enabled and ($2::text is null or id <> $2)`,
    [environmentId, id ?? null],
  );
  if (id === undefined) return;
  // Asked at once whether it takes builds, and which sites it has.
  await client.query(
    `update workers set enabled = true, draining = false, checked_at = null, compared_at = null, version = version + 1
     where id = $1 and not enabled`,
    [id],
  );
}

export async function updateWorkerDraining(client: ClientBase, id: string, draining: boolean): Promise<void> {
  await client.query(`update workers set draining = $2, version = version + 1 where id = $1`, [id, draining]);
}

export async function touchWorkerVersion(client: ClientBase, id: string): Promise<void> {
  await client.query(`update workers set version = version + 1 where id = $1`, [id]);
}
