import type { ClientBase } from "pg";
import { lockSite } from "#central/intake/sql/select-site.ts";
import { addJob } from "#central/jobs/add-job.ts";
import type { Applied } from "./deploy-commit.ts";
import { removeLeaving } from "./remove-leaving.ts";
import { raiseGeneration } from "./sql/raise-generation.ts";
import { setPin } from "./sql/set-pin.ts";

/** Asks for a pull request's preview to be removed, in the caller's transaction. Its worker is told by the dispatch job. */
export async function removeSite(
  client: ClientBase,
  config: { id: bigint },
  pullRequest: bigint,
  o: { seenGeneration: bigint },
): Promise<Applied> {
  const site = await lockSite(client, config.id, pullRequest);
  if (site === undefined) return "unchanged";
  if (site.state === "removing" || site.state === "removed") {
    // An operator's removal pins the site; a pull request that is closed and opened again has it back.
    await setPin(client, site.id, null);
    return "unchanged";
  }
  if (site.generation !== o.seenGeneration) return "moved";
  await raiseGeneration(client, site.id, "removing");
  await removeLeaving(client, site.id);
  await addJob(client, { task: "dispatch", siteId: site.id });
  await addJob(client, { task: "comment", siteId: site.id });
  return "applied";
}
