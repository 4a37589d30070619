import type { ClientBase } from "pg";
import { addJob } from "#central/jobs/add-job.ts";
import { clearLive } from "./sql/clear-live.ts";
import { insertDeployment } from "./sql/insert-deployment.ts";
import { raiseGeneration } from "./sql/raise-generation.ts";
import { selectRestorable } from "./sql/select-restorable.ts";

/**
 * Brings back a site that its worker removed while it should be live, above the generation of that removal; the site must be locked. Answers
 * the new generation; undefined: the site has nothing that may be deployed.
 */
export async function restoreSite(
  client: ClientBase,
  site: { id: bigint; removedAt: bigint },
): Promise<{ generation: bigint; commit: string } | undefined> {
  const restorable = await selectRestorable(client, site.id);
  if (restorable === undefined) return undefined;
  const { kind, ...deployment } = restorable;
  const generation = await raiseGeneration(client, site.id, "wanted", site.removedAt);
  await clearLive(client, site.id);
  await insertDeployment(client, { ...deployment, siteId: site.id, generation, state: "queued", deliveryGuid: undefined });
  await addJob(client, { task: "dispatch", siteId: site.id });
  if (kind === "preview") await addJob(client, { task: "comment", siteId: site.id });
  return { generation, commit: deployment.commit };
}
