import type { Pool } from "pg";
import type { CommentDeployment, CommentState } from "../render-comment.ts";

export type CommentTarget = Omit<CommentState, "logTail" | "url"> & {
  kind: "preview" | "production";
  host: string;
  sitesUrl: string;
  deploymentId: bigint | null;
  pullRequest: bigint | null;
  commentId: bigint | null;
  commentDigest: string | null;
  /** Of a body that GitHub did not take. */
  refusedDigest: string | null;
  installationId: bigint;
  githubOrg: string;
  githubRepo: string;
  deleting: boolean;
  newest: CommentDeployment | null;
};

export async function selectCommentState(pool: Pool, siteId: bigint): Promise<CommentTarget | undefined> {
  const { rows } = await pool.query<CommentTarget>(
    `select s.id as "siteId", s.state as "siteState", s.kind, s.host, s.pull_request as "pullRequest", s.comment_id as "commentId",
       s.comment_digest as "commentDigest", s.comment_refused_digest as "refusedDigest", c.installation_id as "installationId", c.github_org as "githubOrg",
       c.github_repo as "githubRepo", c.deleting, e.sites_url as "sitesUrl",
       (select w.not_ready_reason from workers w where w.environment_id = e.id and w.enabled) as "notReadyReason", d.id as "deploymentId",
       case when d.id is not null then jsonb_build_object('state', d.state, 'commit', d.commit_sha, 'waiting', d.waiting,
         'failure', case when d.failure_reason is not null then jsonb_build_object(
           'stage', d.failure_stage, 'reason', d.failure_reason, 'message', coalesce(d.failure_message, '')) end,
         'approval', (select jsonb_build_object('kind', a.approver_kind, 'approver', a.approver) from approvals a
           where d.trust = 'fork' and a.site_id = s.id and a.commit_sha = d.commit_sha),
         'durationMs', round(extract(epoch from d.finished_at - d.created_at) * 1000),
         'timesLost', (select count(*) from deployment_history l
           where l.site_id = s.id and l.commit_sha = d.commit_sha and l.state = 'lost')) end as newest,
       (select jsonb_build_object('commit', l.commit_sha) from deployment_history l where l.id = s.live_deployment) as live
     from sites s
     join deployment_config c on c.id = s.config_id
     join environments e on e.id = c.environment_id
     left join lateral (select * from deployment_history where site_id = s.id order by generation desc limit 1) d on true
     where s.id = $1 and not s.leaving`,
    [siteId],
  );
  return rows[0];
}
