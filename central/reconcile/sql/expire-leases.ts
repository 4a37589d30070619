import type { ClientBase } from "pg";

export type LostDeployment = { id: bigint; siteId: bigint };

/** The running deployments whose worker was silent for a whole lease, their sites locked. */
export async function lockExpired(client: ClientBase): Promise<{ id: bigint; siteId: bigint }[]> {
  const { rows } = await client.query<LostDeployment>(
    `select d.id, s.id as "siteId" from deployment_history d join sites s on s.id = d.site_id
     where d.lease_expires_at < now() order by d.lease_expires_at limit 32 for update of s skip locked`,
  );
  return rows;
}

/**
 * Ends a deployment as lost and puts its commit in the queue again under the next generation: what its old worker may still bring is refused
 * by that. A site that is being removed, or has something newer, gets none. Answers the kind of site if there is a new deployment.
 */
export async function replaceLost(
  client: ClientBase,
  lost: { id: bigint; siteId: bigint },
): Promise<"preview" | "production" | undefined> {
  const ended = await client.query(
    `update deployment_history set state = 'lost', lease_expires_at = null, finished_at = now()
     where id = $1 and lease_expires_at < now()`,
    [lost.id],
  );
  if (ended.rowCount !== 1) return undefined;
  const { rows } = await client.query<{ kind: "preview" | "production" }>(
    `with raised as (
       update sites s set generation = s.generation + 1, updated_at = now()
       from deployment_history d
       where s.id = $1 and d.id = $2 and s.state = 'wanted' and s.generation = d.generation
       returning s.id, s.generation, s.kind
     ), added as (
       insert into deployment_history (site_id, generation, commit_sha, branch, trust, state, delivery_guid)
       select raised.id, raised.generation, d.commit_sha, d.branch, d.trust, 'queued', d.delivery_guid
       from raised, deployment_history d where d.id = $2
     )
     select kind from raised`,
    [lost.siteId, lost.id],
  );
  return rows[0]?.kind;
}
