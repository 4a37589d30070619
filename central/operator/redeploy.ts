import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { selectApproved } from "#central/approval/sql/select-approved.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { type ActionSite, lockActionSite } from "#central/deployment/sql/select-site-action.ts";
import { startDeployment } from "#central/deployment/start-deployment.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { Actor } from "./actor.ts";
import { auditDeployment } from "./audit-deployment.ts";
import { auditPin } from "./audit-pin.ts";
import { deploymentNotFound } from "./not-found.ts";
import { refuseConfig } from "./refuse-config.ts";
import type { DeploymentRow } from "./rows.ts";
import { selectDeploymentRow } from "./sql/select-deployments.ts";

/** Deploys a deployment's commit again. An older commit than the site's newest pins it, or the next look at GitHub would undo it. */
export async function redeploy(pool: pg.Pool, id: bigint, actor: Actor): Promise<DeploymentRow> {
  return withTransaction(pool, async (client) => {
    const old = await selectDeploymentRow(client, id, actor.environment);
    const site = old === undefined ? undefined : await lockActionSite(client, old.site_id, actor.environment);
    if (old === undefined || site === undefined) throw deploymentNotFound(id);
    refuseConfig(site);
    refuseLeaving(site);
    if (old.trust === "fork") await refuseUnapproved(client, site, old);
    const wish = {
      commit: old.commit_sha,
      branch: old.branch,
      trust: old.trust,
      held: false,
      head: site.pinnedFrom ?? site.newest?.commit ?? old.commit_sha,
      requestedBy: actor.name,
    };
    const written = { actor, method: "Redeploy", siteId: site.id };
    const made = await auditPin(client, written, async () => startDeployment(client, site, wish));
    return auditDeployment(client, actor, "Redeploy", made);
  });
}

export function refuseLeaving(site: { leaving: boolean; id: bigint }): void {
  if (!site.leaving) return;
  const message = `the site ${site.id} gives way to the one at its deployment config's new host: deploy that one`;
  throw reasonError(Code.FailedPrecondition, "site_leaving", message);
}

async function refuseUnapproved(client: pg.ClientBase, site: ActionSite, old: DeploymentRow): Promise<void> {
  if (site.forks === "on") return;
  if (site.forks === "approve" && (await selectApproved(client, site.id, old.commit_sha))) return;
  const message = `the commit ${old.commit_sha} is a fork's, and ${site.forks === "off" ? "forks are off" : "nobody approved it"}`;
  throw reasonError(Code.FailedPrecondition, "commit_not_approved", message);
}
