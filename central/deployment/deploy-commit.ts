import type { ClientBase } from "pg";
import { selectApproved } from "#central/approval/sql/select-approved.ts";
import { nextStep } from "#central/decision/compare-with-newest.ts";
import type { DesiredDeployment } from "#central/decision/decide.ts";
import { lockSite } from "#central/intake/sql/select-site.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { insertDeployment } from "./sql/insert-deployment.ts";
import { insertSite } from "./sql/insert-site.ts";
import { queueHeld } from "./sql/queue-held.ts";
import { raiseGeneration } from "./sql/raise-generation.ts";

/** moved: the site changed since it was read, look again. host_taken: its host is another repository's. */
export type Applied = "applied" | "unchanged" | "moved" | "host_taken";

/**
 * Makes a commit the one that should be live, in the caller's transaction: older work superseded, a new generation, its deployment, its jobs.
 * What is to be held is not if this exact commit was approved at this site; what was held for it goes into the queue as it is.
 * `seenGeneration` is the site's generation from before GitHub was asked (0: no site): a compare-and-set against another replica.
 */
export async function deployCommit(
  client: ClientBase,
  config: { id: bigint; repositoryId: bigint },
  desired: DesiredDeployment,
  o: { seenGeneration: bigint; deliveryGuid: string | undefined },
): Promise<Applied> {
  await insertSite(client, config, desired.site);
  const site = await lockSite(client, config.id, desired.site.kind === "preview" ? desired.site.pullRequest : undefined);
  if (site === undefined) return "host_taken";
  if (site.generation !== o.seenGeneration) return "moved";
  const held = desired.held && !(await selectApproved(client, site.id, desired.commit));
  const step = nextStep(site, { commit: desired.commit, held });
  if (step === "nothing") return "unchanged";
  if (step === "release") await queueHeld(client, site.id);
  else {
    const generation = await raiseGeneration(client, site.id, "wanted");
    await insertDeployment(client, {
      siteId: site.id,
      generation,
      commit: desired.commit,
      branch: desired.branch.slice(0, 1024),
      trust: desired.trust,
      state: held ? "held" : "queued",
      deliveryGuid: o.deliveryGuid,
    });
  }
  if (!held) await addJob(client, { task: "dispatch", siteId: site.id });
  if (desired.site.kind === "preview") await addJob(client, { task: "comment", siteId: site.id });
  return "applied";
}
