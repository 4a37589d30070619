import type { ClientBase } from "pg";
import { addJob } from "#central/jobs/add-job.ts";

/** Brings the comments of an environment's previews up to date: they hold their sites' URLs. */
export async function addCommentJobs(client: ClientBase, environmentId: bigint): Promise<void> {
  const { rows } = await client.query<{ id: bigint }>(
    `select s.id from sites s join deployment_config c on c.id = s.config_id
     where c.environment_id = $1 and s.kind = 'preview' and s.state <> 'removed' and not s.leaving order by s.id`,
    [environmentId],
  );
  for (const { id } of rows) await addJob(client, { task: "comment", siteId: id });
}

/** Tries again at once what waits for a worker. */
export async function addDispatchJobs(client: ClientBase, environmentId: bigint): Promise<void> {
  const { rows } = await client.query<{ id: bigint }>(
    `select s.id from deployment_history d join sites s on s.id = d.site_id join deployment_config c on c.id = s.config_id
     where c.environment_id = $1 and d.state = 'queued' order by d.created_at`,
    [environmentId],
  );
  for (const { id } of rows) await addJob(client, { task: "dispatch", siteId: id });
}
