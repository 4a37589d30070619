import type { ClientBase } from "pg";

/** A site with what decides about an operator's wish for it. */
export type ActionSite = {
  id: bigint;
  configId: bigint;
  kind: "preview" | "production";
  state: "wanted" | "removing" | "removed" | "evicted";
  generation: bigint;
  leaving: boolean;
  environment: string;
  workerId: string | null;
  enabledWorkerId: string | null;
  pinnedFrom: string | null;
  liveDeployment: bigint | null;
  forks: "off" | "approve" | "on";
  enabled: boolean;
  deleting: boolean;
  newest: { id: bigint; commit: string; state: string; release: string | null; fromRelease: string | null } | null;
};

type Row = Omit<ActionSite, "newest"> & {
  newestId: bigint | null;
  newestCommit: string;
  newestState: string;
  newestRelease: string | null;
  newestFromRelease: string | null;
};

/** Locks a site, and its config against changes, in the order in which everything does; undefined: there is none, or it is of another environment. */
export async function lockActionSite(
  client: ClientBase,
  siteId: bigint,
  within: string | undefined,
): Promise<ActionSite | undefined> {
  const config = await client.query(
    `select from deployment_config where id = (select config_id from sites where id = $1) for share`,
    [siteId],
  );
  if (config.rowCount === 0) return undefined;
  await client.query(`select from sites where id = $1 for update`, [siteId]);
  const { rows } = await client.query<Row>(
    `select s.id, s.config_id as "configId", s.kind, s.state, s.generation, s.leaving, e.name as environment, s.worker_id as "workerId",
       (select w.id from workers w where w.environment_id = e.id and w.enabled) as "enabledWorkerId", s.pinned_from as "pinnedFrom",
       s.live_deployment as "liveDeployment", c.forks, c.enabled, c.deleting,
       d.id as "newestId", d.commit_sha as "newestCommit", d.state as "newestState", d.release as "newestRelease",
       d.from_release as "newestFromRelease"
     from sites s
     join deployment_config c on c.id = s.config_id
     join environments e on e.id = c.environment_id
     left join lateral (select * from deployment_history where site_id = s.id order by generation desc limit 1) d on true
     where s.id = $1 and ($2::text is null or e.name = $2)`,
    [siteId, within ?? null],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { newestId, newestCommit, newestState, newestRelease, newestFromRelease, ...site } = row;
  if (newestId === null) return { ...site, newest: null };
  const newest = {
    id: newestId,
    commit: newestCommit,
    state: newestState,
    release: newestRelease,
    fromRelease: newestFromRelease,
  };
  return { ...site, newest };
}
