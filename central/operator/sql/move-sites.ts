import type { ClientBase } from "pg";
import { currentTraceparent } from "#common/telemetry/traced.ts";

export type MovedSite = { id: bigint; kind: "preview" | "production" };

/**
 * Queues what each of an environment's sites should serve under a new generation, for sites whose files another worker has: the deployment of its
 * generation if that is for a worker, else the live one. A rollback is built again, as its release is the other worker's. What is held stays as it is
 * where nothing is live; sites of disabled configs stay where they are, since moving them needs a build. All in a few statements, whatever their number.
 */
export async function moveSites(
  client: ClientBase,
  o: { environmentId: bigint; workerId: string; requestedBy: string },
): Promise<MovedSite[]> {
  await client.query(
    `select from sites s join deployment_config c on c.id = s.config_id
     where c.environment_id = $1 and s.state = 'wanted' order by s.id for update of s`,
    [o.environmentId],
  );
  const { rows } = await client.query<MovedSite & { commit: string; branch: string; trust: string; guid: string | null }>(
    `select s.id, s.kind, d.commit_sha as commit, d.branch, d.trust, d.delivery_guid as guid
     from sites s
     join deployment_config c on c.id = s.config_id and c.enabled and not c.deleting
     join lateral (
       select * from deployment_history h where h.site_id = s.id and (h.id = s.live_deployment or (
         h.generation = s.generation and h.state in ('queued', 'dispatched', 'cloning', 'building', 'publishing', 'succeeded', 'superseded')))
       order by h.generation desc limit 1
     ) d on true
     where c.environment_id = $1 and s.state = 'wanted' and not s.leaving
       and (s.worker_id <> $2 or (s.worker_id is null and s.live_deployment is not null))
     order by s.id`,
    [o.environmentId, o.workerId],
  );
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return [];
  await client.query(
    `update deployment_history set state = 'superseded', finished_at = now(), lease_expires_at = null, waiting = null
     where site_id = any($1::bigint[]) and state in ('held', 'queued', 'dispatched', 'cloning', 'building', 'publishing')`,
    [ids],
  );
  await client.query(`update sites set generation = generation + 1, updated_at = now() where id = any($1::bigint[])`, [ids]);
  await client.query(
    `insert into deployment_history (site_id, generation, commit_sha, branch, trust, state, delivery_guid, requested_by, traceparent)
     select s.id, s.generation, moved.commit, moved.branch, moved.trust, 'queued', moved.guid, $6, $7
     from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) as moved(id, commit, branch, trust, guid)
     join sites s on s.id = moved.id`,
    [
      ids,
      rows.map((row) => row.commit),
      rows.map((row) => row.branch),
      rows.map((row) => row.trust),
      rows.map((row) => row.guid),
      o.requestedBy,
      currentTraceparent() ?? null,
    ],
  );
  return rows.map(({ id, kind }) => ({ id, kind }));
}
