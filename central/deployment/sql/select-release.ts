import type { ClientBase, Pool } from "pg";

export type FoundRelease = {
  deploymentId: bigint;
  release: string;
  commit: string;
  branch: string;
  trust: "repository" | "fork";
};

const columns = `d.id as "deploymentId", coalesce(d.release, d.from_release) as release, d.commit_sha as commit, d.branch, d.trust`;

/** The release that a deployment of this site made, or made live again. */
export async function selectReleaseOf(
  client: ClientBase | Pool,
  siteId: bigint,
  deploymentId: bigint,
): Promise<FoundRelease | undefined> {
  const { rows } = await client.query<FoundRelease>(
    `select ${columns} from deployment_history d
     where d.id = $2 and d.site_id = $1 and d.release is not null and d.state in ('succeeded', 'superseded')`,
    [siteId, deploymentId],
  );
  return rows[0];
}

/** The release that was live before the one that is. */
export async function selectReleaseBefore(client: ClientBase | Pool, siteId: bigint): Promise<FoundRelease | undefined> {
  const { rows } = await client.query<FoundRelease>(
    `select ${columns} from sites s
     join deployment_history live on live.id = s.live_deployment
     join deployment_history d on d.site_id = s.id and d.generation < live.generation
     where s.id = $1 and d.release is not null and d.state in ('succeeded', 'superseded')
       and d.release is distinct from coalesce(live.release, live.from_release)
     order by d.generation desc limit 1`,
    [siteId],
  );
  return rows[0];
}
