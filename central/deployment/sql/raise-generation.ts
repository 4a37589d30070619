import type { ClientBase } from "pg";

/**
 * Gives a site its next generation and ends all that is planned or running for it: its worker learns that from the answer to its next report,
 * or from the newer work. The site must be locked. `above`: a generation that the worker has seen, beyond Central's perhaps.
 */
export async function raiseGeneration(
  client: ClientBase,
  siteId: bigint,
  state: "wanted" | "removing" | "evicted",
  above = 0n,
): Promise<bigint> {
  await client.query(
    `update deployment_history set state = 'superseded', finished_at = now(), lease_expires_at = null, waiting = null
     where site_id = $1 and state in ('held', 'queued', 'dispatched', 'cloning', 'building', 'publishing')`,
    [siteId],
  );
  const { rows } = await client.query<{ generation: bigint }>(
    "update sites set generation = greatest(generation, $3) + 1, state = $2, updated_at = now() where id = $1 returning generation",
    [siteId, state, above],
  );
  const generation = rows[0]?.generation;
  if (generation === undefined) throw new Error(`raising the generation of site ${siteId}: there is no such site`);
  return generation;
}
