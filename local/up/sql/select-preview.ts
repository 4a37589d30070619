import type pg from "pg";

/** A pull request's preview with its newest deployment. */
export type PreviewRow = {
  host: string;
  state: "wanted" | "removing" | "removed";
  live: boolean;
  deployment_id: bigint | null;
  deployment_state: string | null;
  failure_stage: string | null;
  failure_message: string | null;
};

export async function selectPreview(
  client: pg.Pool,
  o: { owner: string; name: string; pullRequest: number },
): Promise<PreviewRow | undefined> {
  const { rows } = await client.query<PreviewRow>(
    `select s.host, s.state, s.live_deployment is not null as live,
       d.id as deployment_id, d.state as deployment_state, d.failure_stage, d.failure_message
     from sites s
     join deployment_config c on c.id = s.config_id
     left join lateral (select * from deployment_history where site_id = s.id order by generation desc limit 1) d on true
     where c.github_org = $1 and c.github_repo = $2 and s.pull_request = $3`,
    [o.owner, o.name, o.pullRequest],
  );
  return rows[0];
}
