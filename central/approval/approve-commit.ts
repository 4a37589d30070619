import type { ClientBase, Pool } from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { decideApproval } from "#central/decision/decide-approval.ts";
import type { DesiredDeployment } from "#central/decision/decide.ts";
import { deployCommit } from "#central/deployment/deploy-commit.ts";
import { insertSite } from "#central/deployment/sql/insert-site.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { lookAtPullRequest } from "#central/intake/look-at-github.ts";
import { maxLooks, SiteBusyError } from "#central/intake/settle.ts";
import { type Config, lockConfig } from "#central/intake/sql/select-config.ts";
import { lockSite, selectSite } from "#central/intake/sql/select-site.ts";
import { addJob } from "#central/jobs/add-job.ts";
import type { Approver } from "./approver.ts";
import { insertApproval } from "./sql/insert-approval.ts";
import { selectDeploymentOf } from "./sql/select-deployment-of.ts";

export type Approval =
  | { do: "approved"; deploymentId: bigint }
  | { do: "refused"; why: "missing" | "not_needed" | "moved"; reason: string };

type Subject = {
  config: Config;
  pullRequest: bigint;
  commit: string;
  approver: Approver;
  deliveryGuid?: string | undefined;
};

/**
 * Lets one exact commit of a fork's pull request be built, if it is the head that GitHub shows now. The caller has made sure that the approver
 * may. `finish` runs in the transaction that records the approval; `begin` does before that, once the site is locked.
 */
export async function approveCommit(
  o: { pool: Pool; github: GitHub },
  subject: Subject,
  finish: (client: ClientBase, approval: Approval) => Promise<void>,
  begin?: (client: ClientBase, siteId: bigint) => Promise<void>,
): Promise<Approval> {
  for (let look = 0; look < maxLooks; look += 1) {
    const seenGeneration = (await selectSite(o.pool, subject.config.id, subject.pullRequest))?.generation ?? 0n;
    const seen = await lookAtPullRequest(o, subject.config, subject.pullRequest);
    const approval = await withTransaction(o.pool, async (client) => {
      const config = await lockConfig(client, subject.config.id);
      const decision =
        config === undefined
          ? ({ do: "refuse", why: "missing", reason: "the deployment config is gone" } as const)
          : decideApproval(config, seen, subject.commit);
      const made =
        decision.do === "approve"
          ? await record(client, subject, decision.desired, { seenGeneration, begin })
          : await refuse(client, subject, decision);
      if (made !== "moved") await finish(client, made);
      return made;
    });
    if (approval !== "moved") return approval;
  }
  throw new SiteBusyError(`the site changed ${maxLooks} times while GitHub was asked`);
}

async function record(
  client: ClientBase,
  subject: Subject,
  desired: DesiredDeployment,
  o: { seenGeneration: bigint; begin: ((client: ClientBase, siteId: bigint) => Promise<void>) | undefined },
): Promise<Approval | "moved"> {
  const { seenGeneration } = o;
  await insertSite(client, subject.config, desired.site);
  const site = await lockSite(client, subject.config.id, subject.pullRequest);
  if (site === undefined) return { do: "refused", why: "not_needed", reason: "its host belongs to another repository" };
  if (site.generation !== seenGeneration) return "moved";
  await o.begin?.(client, site.id);
  await insertApproval(client, site.id, subject.commit, subject.approver);
  const applied = await deployCommit(client, subject.config, desired, { seenGeneration, deliveryGuid: subject.deliveryGuid });
  if (applied === "moved" || applied === "host_taken") throw new Error(`site ${site.id} changed while it was locked`);
  const deploymentId = await selectDeploymentOf(client, site.id, subject.commit);
  if (deploymentId === undefined) throw new Error(`site ${site.id} has no deployment of the commit that was approved`);
  return { do: "approved", deploymentId };
}

/** A head that moved is looked at again: if its push was missed, the comment names it then. */
async function refuse(
  client: ClientBase,
  subject: Subject,
  refusal: { why: "missing" | "not_needed" | "moved"; reason: string },
): Promise<Approval> {
  if (refusal.why === "moved")
    await addJob(client, { task: "look", configId: subject.config.id, pullRequest: subject.pullRequest });
  return { do: "refused", why: refusal.why, reason: refusal.reason };
}
