import type { ClientBase } from "pg";
import { maxLost } from "#central/decision/compare-with-newest.ts";

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
 * by that. A site that is being removed, has something newer, or whose config is off gets none, nor does a commit that was lost
 * three times: that one is tried again after a pause.
 * undefined: it had ended already.
 */
export async function replaceLost(
  client: ClientBase,
  lost: { id: bigint; siteId: bigint },
): Promise<{ kind: "preview" | "production"; again: boolean } | undefined> {
  const ended = await client.query<{ kind: "preview" | "production" }>(
    `update deployment_history d set state = 'lost', lease_expires_at = null, finished_at = now()
     from sites s where d.id = $1 and s.id = d.site_id and d.lease_expires_at < now() returning s.kind`,
    [lost.id],
  );
  const kind = ended.rows[0]?.kind;
  if (kind === undefined) return undefined;
  const { rowCount } = await client.query(
    `with raised as (
       update sites s set generation = s.generation + 1, updated_at = now()
       from deployment_history d, deployment_config c
       where s.id = $1 and d.id = $2 and s.state = 'wanted' and s.generation = d.generation
         and c.id = s.config_id and c.enabled and not c.deleting and not d.cancel_requested
         and (select count(*) from (
           select state, commit_sha from deployment_history where site_id = s.id order by generation desc limit $3
         ) newest where newest.state = 'lost' and newest.commit_sha = d.commit_sha) < $3
       returning s.id, s.generation
     )
     insert into deployment_history (site_id, generation, commit_sha, branch, trust, state, delivery_guid, requested_by,
       from_release, traceparent)
     select raised.id, raised.generation, d.commit_sha, d.branch, d.trust, 'queued', d.delivery_guid, d.requested_by, d.from_release, d.traceparent
     from raised, deployment_history d where d.id = $2`,
    [lost.siteId, lost.id, maxLost],
  );
  return { kind, again: rowCount === 1 };
}
