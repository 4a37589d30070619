import type { ClientBase, Pool } from "pg";
import { hasNul } from "../no-nul.ts";
import { prepareUnfiltered } from "../prepare-unfiltered.ts";
import type { SiteRow } from "../rows.ts";

const select = `select s.id, s.host, s.kind, e.name as environment, e.sites_url, c.github_org, c.github_repo, s.pull_request, s.state, s.generation,
    s.worker_id, s.live_deployment, l.commit_sha as live_commit, coalesce(l.release, l.from_release) as live_release,
    (select d.id from deployment_history d where d.site_id = s.id order by d.generation desc limit 1) as newest_deployment,
    s.pinned_from, s.created_at, s.updated_at
  from sites s
  join deployment_config c on c.id = s.config_id
  join environments e on e.id = c.environment_id
  left join deployment_history l on l.id = s.live_deployment`;

export type SiteFilter = {
  environment: string | undefined;
  org: string;
  repo: string;
  state: string | undefined;
  kind: string | undefined;
};

/** By id. */
export async function selectSites(pool: Pool, o: SiteFilter & { after: bigint | null; limit: number }): Promise<SiteRow[]> {
  if (hasNul(o.environment ?? "", o.org, o.repo)) return [];
  const { rows } = await pool.query<SiteRow>({
    name: prepareUnfiltered("list-sites", [o.org, o.repo, o.state, o.kind]),
    text: `${select}
     where ($1::text is null or e.name = $1) and ($2 = '' or lower(c.github_org) = lower($2)) and ($3 = '' or lower(c.github_repo) = lower($3))
       and ($4::text is null or s.state = $4) and ($5::text is null or s.kind = $5) and ($6::bigint is null or s.id > $6)
     order by s.id limit $7`,
    values: [o.environment ?? null, o.org, o.repo, o.state ?? null, o.kind ?? null, o.after, o.limit],
  });
  return rows;
}

/** By id, or by host. undefined: there is none, or it is of another environment than `within`. */
export async function selectSiteRow(
  client: ClientBase | Pool,
  by: { id: bigint } | { host: string },
  within: string | undefined,
): Promise<SiteRow | undefined> {
  const [name, condition, value] =
    "id" in by ? ["select-site", "s.id = $1", by.id] : ["select-site-by-host", "s.host = $1", by.host];
  if (typeof value === "string" && hasNul(value)) return undefined;
  const { rows } = await client.query<SiteRow>({
    name,
    text: `${select} where ${condition} and ($2::text is null or e.name = $2)`,
    values: [value, within ?? null],
  });
  return rows[0];
}
