import type { ClientBase, Pool } from "pg";
import type { SiteNow } from "#central/decision/compare-with-newest.ts";

/** `recent`: what is wanted of it changed so lately that GitHub's reads may still show what was before. */
export type Site = SiteNow & { id: bigint; recent: boolean };

/** Somewhat longer than the looks that follow one another after a change. */
const recentSeconds = 30;

const query = `select s.id, s.generation, s.state, case when d.id is not null then jsonb_build_object('commit', d.commit_sha, 'state', d.state,
    'timesLost', (select count(*) from deployment_history l where l.site_id = s.id and l.commit_sha = d.commit_sha and l.state = 'lost')) end as newest,
    coalesce(case when s.state = 'wanted' then d.created_at else s.updated_at end > now() - make_interval(secs => $3), false) as recent
  from sites s left join lateral (
    select id, commit_sha, state, created_at from deployment_history where site_id = s.id order by generation desc limit 1
  ) d on true
  where s.config_id = $1 and s.pull_request is not distinct from $2 and not s.leaving`;

/** A config's production site (no pull request) or a pull request's preview. */
export async function selectSite(
  client: Pool | ClientBase,
  configId: bigint,
  pullRequest: bigint | undefined,
): Promise<Site | undefined> {
  const { rows } = await client.query<Site>(query, [configId, pullRequest ?? null, recentSeconds]);
  return rows[0];
}

/** The same, and nobody else changes it until the transaction ends. */
export async function lockSite(client: ClientBase, configId: bigint, pullRequest: bigint | undefined): Promise<Site | undefined> {
  const { rows } = await client.query<{ id: bigint }>(
    "select id from sites where config_id = $1 and pull_request is not distinct from $2 and not leaving for update",
    [configId, pullRequest ?? null],
  );
  // Read again under the lock: the row as the lock found it may have waited for a change of its newest deployment.
  return rows[0] === undefined ? undefined : selectSite(client, configId, pullRequest);
}
