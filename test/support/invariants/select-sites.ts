import type { Stack } from "../stack.ts";

export type SiteRow = {
  id: bigint;
  host: string;
  kind: "preview" | "production";
  state: string;
  generation: bigint;
  pullRequest: bigint | null;
  repositoryId: bigint;
  owner: string;
  name: string;
  defaultBranch: string;
  environment: string;
  liveCommit: string | null;
  liveRelease: string | null;
  /** What is still under way, as `generation state`. */
  unfinished: string[];
};

export async function selectSites(stack: Stack): Promise<SiteRow[]> {
  const { rows } = await stack.pool.query<SiteRow>(
    `select s.id, s.host, s.kind, s.state, s.generation, s.pull_request as "pullRequest", s.repository_id as "repositoryId",
       c.github_org as owner, c.github_repo as name, c.default_branch as "defaultBranch", e.name as environment,
       l.commit_sha as "liveCommit", l.release as "liveRelease",
       array(select d.generation || ' ' || d.state || coalesce(' waiting ' || d.waiting, '') from deployment_history d where d.site_id = s.id
         and d.state in ('queued', 'dispatched', 'cloning', 'building', 'publishing') order by d.generation) as unfinished
     from sites s
     join deployment_config c on c.id = s.config_id
     join environments e on e.id = c.environment_id
     left join deployment_history l on l.id = s.live_deployment
     order by s.id`,
  );
  return rows;
}
