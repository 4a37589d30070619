import type { Pool } from "pg";

export type Work = {
  siteId: bigint;
  configId: bigint;
  siteState: "wanted" | "removing" | "removed" | "evicted";
  generation: bigint;
  host: string;
  kind: "preview" | "production";
  pullRequest: bigint | null;
  /** The worker that has the site's files. */
  siteWorker: { id: string; endpoint: string } | null;
  /** The environment's enabled worker. */
  enabledWorker: { id: string; endpoint: string } | null;
  /** That worker said last that it takes no builds. */
  workerNotReady: boolean;
  /** It gets no builds for now, by an operator's wish. */
  workerDraining: boolean;
  /** As many of the repository's deployments run as its config allows. */
  repositoryBusy: boolean;
  sitesUrl: string;
  repositoryId: bigint;
  installationId: bigint;
  repository: string;
  siteType: string;
  buildCommand: string;
  outputDir: string;
  rootDir: string;
  deployment: Deployment | null;
};

export type Deployment = {
  id: bigint;
  state: string;
  commit: string;
  branch: string;
  trust: "repository" | "fork";
  /** An existing release of the site to make live again, without a clone or a build. */
  fromRelease: string | null;
  /** The trace that it was decided in. */
  traceparent: string | null;
};

type Row = Omit<Work, "deployment"> & {
  deploymentId: bigint | null;
  deploymentState: string;
  commit: string;
  branch: string;
  trust: "repository" | "fork";
  fromRelease: string | null;
  traceparent: string | null;
};

/** All that handing over a site's newest deployment, or its removal, needs. */
export async function selectWork(pool: Pool, siteId: bigint): Promise<Work | undefined> {
  const { rows } = await pool.query<Row>(
    `select s.id as "siteId", c.id as "configId", s.state as "siteState", s.generation, s.host, s.kind, s.pull_request as "pullRequest",
       (select jsonb_build_object('id', w.id, 'endpoint', w.endpoint) from workers w where w.id = s.worker_id) as "siteWorker",
       (select jsonb_build_object('id', w.id, 'endpoint', w.endpoint) from workers w
        where w.environment_id = c.environment_id and w.enabled) as "enabledWorker",
       exists (select from workers w where w.environment_id = c.environment_id and w.enabled
        and w.not_ready_reason is not null) as "workerNotReady",
       exists (select from workers w where w.environment_id = c.environment_id and w.enabled and w.draining) as "workerDraining",
       c.max_running <= (select count(*) from deployment_history r join sites o on o.id = r.site_id
        where o.config_id = c.id and r.lease_expires_at is not null and r.from_release is null) as "repositoryBusy",
       e.sites_url as "sitesUrl", c.repository_id as "repositoryId", c.installation_id as "installationId",
       c.github_org || '/' || c.github_repo as repository, c.site_type as "siteType", c.build_command as "buildCommand",
       c.output_dir as "outputDir", c.root_dir as "rootDir",
       d.id as "deploymentId", d.state as "deploymentState", d.commit_sha as commit, d.branch, d.trust,
       d.from_release as "fromRelease", d.traceparent
     from sites s
     join deployment_config c on c.id = s.config_id
     join environments e on e.id = c.environment_id
     left join deployment_history d on d.site_id = s.id and d.generation = s.generation
     where s.id = $1`,
    [siteId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { deploymentId, deploymentState, commit, branch, trust, fromRelease, traceparent, ...work } = row;
  return {
    ...work,
    deployment:
      deploymentId === null
        ? null
        : { id: deploymentId, state: deploymentState, commit, branch, trust, fromRelease, traceparent },
  };
}
