import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { cancelDeployment } from "#central/deployment/sql/cancel-deployment.ts";
import { lockActionSite } from "#central/deployment/sql/select-site-action.ts";
import { addJob } from "#central/jobs/add-job.ts";
import type { Actor } from "./actor.ts";
import { auditDeployment } from "./audit-deployment.ts";
import { deploymentNotFound } from "./not-found.ts";
import type { DeploymentRow } from "./rows.ts";
import { selectDeploymentRow } from "./sql/select-deployments.ts";

/** Ends a deployment. A worker that has it hears of it with the answer to its next report; it may have gone live just before. */
export async function cancel(pool: pg.Pool, id: bigint, actor: Actor): Promise<DeploymentRow> {
  return withTransaction(pool, async (client) => {
    const found = await selectDeploymentRow(client, id, actor.environment);
    if (found === undefined || (await lockActionSite(client, found.site_id, actor.environment)) === undefined)
      throw deploymentNotFound(id);
    const before = (await selectDeploymentRow(client, id)) ?? found;
    const became = await cancelDeployment(client, id);
    if (became === "unchanged") return before;
    if (before.kind === "preview") await addJob(client, { task: "comment", siteId: before.site_id });
    return auditDeployment(client, actor, "Cancel", id, before);
  });
}
