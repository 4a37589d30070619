import type { Pool } from "pg";
import type { SiteNow } from "#central/decision/compare-with-newest.ts";

export type Preview = SiteNow & { pullRequest: bigint; pinnedFrom: string | null };

/** A config's previews that are there or are to be, by their pull requests. */
export async function selectPreviews(pool: Pool, configId: bigint): Promise<Map<bigint, Preview>> {
  const { rows } = await pool.query<Preview>(
    `select s.pull_request as "pullRequest", s.generation, s.state, s.pinned_from as "pinnedFrom",
       case when d.id is not null then jsonb_build_object('commit', d.commit_sha, 'state', d.state,
         'timesLost', (select count(*) from deployment_history l
           where l.site_id = s.id and l.commit_sha = d.commit_sha and l.state = 'lost')) end as newest
     from sites s left join lateral (
       select id, commit_sha, state from deployment_history where site_id = s.id order by generation desc limit 1
     ) d on true
     where s.config_id = $1 and s.kind = 'preview' and not s.leaving and s.state in ('wanted', 'evicted') order by s.id`,
    [configId],
  );
  return new Map(rows.map((row) => [row.pullRequest, row]));
}
