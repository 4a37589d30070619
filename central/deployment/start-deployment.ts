import type { ClientBase } from "pg";
import { addJob } from "#central/jobs/add-job.ts";
import { insertDeployment } from "./sql/insert-deployment.ts";
import { raiseGeneration } from "./sql/raise-generation.ts";
import { setPin } from "./sql/set-pin.ts";

/**
 * Makes what an operator asked for the one that should be live, under a new generation; the site must be locked. `head` is the commit that the site
 * would have by itself: another one pins it. Answers the deployment's id.
 */
export async function startDeployment(
  client: ClientBase,
  site: { id: bigint; kind: "preview" | "production" },
  o: {
    commit: string;
    branch: string;
    trust: "repository" | "fork";
    held: boolean;
    head: string;
    requestedBy: string;
    fromRelease?: string;
  },
): Promise<bigint> {
  const generation = await raiseGeneration(client, site.id, "wanted");
  const { commit, branch, trust, requestedBy, fromRelease } = o;
  const id = await insertDeployment(client, {
    siteId: site.id,
    generation,
    commit,
    branch: branch.slice(0, 1024),
    trust,
    state: o.held ? "held" : "queued",
    deliveryGuid: undefined,
    requestedBy,
    fromRelease,
  });
  await setPin(client, site.id, commit === o.head ? null : o.head);
  if (!o.held) await addJob(client, { task: "dispatch", siteId: site.id });
  if (site.kind === "preview") await addJob(client, { task: "comment", siteId: site.id });
  return id;
}
