import type { ClientBase } from "pg";
import { isDesiredAlready } from "#central/decision/compare-with-newest.ts";
import type { DesiredDeployment } from "#central/decision/decide.ts";
import { lockSite } from "#central/intake/sql/select-site.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { insertDeployment } from "./sql/insert-deployment.ts";
import { insertSite } from "./sql/insert-site.ts";
import { raiseGeneration } from "./sql/raise-generation.ts";

/** moved: the site changed since it was read, look again. host_taken: its host is another repository's. */
export type Applied = "applied" | "unchanged" | "moved" | "host_taken";

/**
 * Makes a commit the one that should be live, in the caller's transaction: older work superseded, a new generation, its deployment, its jobs.
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
  if (isDesiredAlready(site, desired.commit)) return "unchanged";
  const generation = await raiseGeneration(client, site.id, "wanted");
  await insertDeployment(client, {
    siteId: site.id,
    generation,
    commit: desired.commit,
    branch: desired.branch.slice(0, 1024),
    trust: desired.trust,
    state: desired.held ? "held" : "queued",
    deliveryGuid: o.deliveryGuid,
  });
  if (!desired.held) await addJob(client, { task: "dispatch", siteId: site.id });
  if (desired.site.kind === "preview") await addJob(client, { task: "comment", siteId: site.id });
  return "applied";
}
