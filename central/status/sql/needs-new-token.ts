import type { ClientBase } from "pg";

/**
 * Whether an ended deployment's clone was refused for the first time of its commit: its token may have ended or been revoked before the clone
 * did, so one more is worth a try. Refused again, the repository is what refuses.
 */
export async function needsNewToken(client: ClientBase, deploymentId: bigint): Promise<boolean> {
  const { rows } = await client.query<{ first: boolean }>(
    `select (select count(*) from deployment_history b
       where b.site_id = d.site_id and b.commit_sha = d.commit_sha and b.failure_reason = 'access_refused') = 1 as first
     from deployment_history d where d.id = $1 and d.failure_stage = 'clone' and d.failure_reason = 'access_refused'`,
    [deploymentId],
  );
  return rows[0]?.first ?? false;
}
