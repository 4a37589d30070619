import type { ClientBase, Pool } from "pg";
import { hasNul } from "../no-nul.ts";
import { prepareUnfiltered } from "../prepare-unfiltered.ts";
import type { DeploymentRow, EgressRow } from "../rows.ts";

const select = `select d.id, d.site_id, s.host, e.sites_url, s.kind, e.name as environment, c.github_org, c.github_repo, s.pull_request,
    d.generation, d.commit_sha, d.branch, d.trust, d.state, s.live_deployment is not distinct from d.id as live,
    case when d.waiting = 'not_ready' and exists (select from workers w where w.environment_id = e.id and w.enabled and w.draining)
      then 'draining' else d.waiting end as waiting, d.worker_id,
    d.site_type, d.image_id, coalesce(d.release, d.from_release) as release, d.release_files, d.release_bytes, d.failure_stage, d.failure_reason,
    d.failure_message, d.stage_timings, d.delivery_guid, d.requested_by, d.created_at, d.dispatched_at, d.finished_at,
    coalesce((select max(line_number) from deployment_log_lines where deployment_id = d.id), 0)::bigint as log_lines
  from deployment_history d
  join sites s on s.id = d.site_id
  join deployment_config c on c.id = s.config_id
  join environments e on e.id = c.environment_id`;

export type DeploymentFilter = {
  environment: string | undefined;
  org: string;
  repo: string;
  site: bigint;
  pullRequest: bigint;
  states: readonly string[];
  commit: string;
};

/** The newest first. */
export async function selectDeploymentRows(
  pool: Pool,
  o: DeploymentFilter & { before: bigint | null; limit: number },
): Promise<DeploymentRow[]> {
  if (hasNul(o.environment ?? "", o.org, o.repo)) return [];
  const { rows } = await pool.query<DeploymentRow>({
    name: prepareUnfiltered("list-deployments", [o.org, o.repo, o.site, o.pullRequest, o.commit, ...o.states]),
    text: `${select}
     where ($1::text is null or e.name = $1) and ($2 = '' or lower(c.github_org) = lower($2)) and ($3 = '' or lower(c.github_repo) = lower($3))
       and ($4::bigint = 0 or d.site_id = $4) and ($5::bigint = 0 or s.pull_request = $5)
       and (cardinality($6::text[]) = 0 or d.state = any($6)) and ($7 = '' or d.commit_sha = $7)
       and ($8::bigint is null or d.id < $8)
     order by d.id desc limit $9`,
    values: [o.environment ?? null, o.org, o.repo, o.site, o.pullRequest, o.states, o.commit, o.before, o.limit],
  });
  return rows;
}

/** undefined: there is none, or it is of another environment than `within`. */
export async function selectDeploymentRow(
  client: ClientBase | Pool,
  id: bigint,
  within?: string,
): Promise<DeploymentRow | undefined> {
  // Prepared once for a connection: planning its joins costs the database more than one row does.
  const { rows } = await client.query<DeploymentRow>({
    name: "select-deployment",
    text: `${select} where d.id = $1 and ($2::text is null or e.name = $2)`,
    values: [id, within ?? null],
  });
  return rows[0];
}

/** The same, with where its packets went, most bytes first: one question of the database, as each costs a read as much as its answer does. */
export async function selectDeploymentInFull(
  pool: Pool,
  id: bigint,
  within: string | undefined,
): Promise<{ row: DeploymentRow; egress: EgressRow[] } | undefined> {
  const { rows } = await pool.query<DeploymentRow & { egress: StoredEgress[] | null }>({
    name: "select-deployment-in-full",
    text: `select found.*, (
         select json_agg(json_build_object('address', host(g.address), 'port', g.port, 'protocol', g.protocol, 'bytes', g.bytes::text)
           order by g.bytes desc, g.address, g.port, g.protocol)
         from deployment_egress g where g.deployment_id = found.id) as egress
       from (${select} where d.id = $1 and ($2::text is null or e.name = $2)) found`,
    values: [id, within ?? null],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  return { row, egress: (row.egress ?? []).map((each) => ({ ...each, bytes: BigInt(each.bytes) })) };
}

/** JSON's numbers do not hold a bigint. */
type StoredEgress = Omit<EgressRow, "bytes"> & { bytes: string };
