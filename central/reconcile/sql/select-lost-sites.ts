import type { ClientBase } from "pg";
import { maxLost } from "#central/decision/compare-with-newest.ts";

/** After so many losses in a row; each further one doubles the pause, up to a day. */
const firstPauseSeconds = 600;
const longestPauseSeconds = 86_400;

/** Deployments that were lost so often that they got no successor, and whose pause is over; their sites locked. */
export async function lockLost(client: ClientBase, limit: number): Promise<{ id: bigint; siteId: bigint }[]> {
  const { rows } = await client.query<{ id: bigint; siteId: bigint }>(
    `select d.id, s.id as "siteId" from sites s
     join deployment_config c on c.id = s.config_id and c.enabled and not c.deleting
     join deployment_history d on d.site_id = s.id and d.generation = s.generation
     where s.state = 'wanted' and d.state = 'lost' and not d.cancel_requested
       and d.finished_at < now() - make_interval(secs => least($2, $1 * power(2, least(20, greatest(0, (
         select count(*) from deployment_history l where l.site_id = s.id and l.commit_sha = d.commit_sha and l.state = 'lost'
       ) - $3::bigint)))))
     order by d.finished_at limit $4 for update of s skip locked`,
    [firstPauseSeconds, longestPauseSeconds, maxLost, limit],
  );
  return rows;
}
