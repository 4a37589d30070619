import type { ClientBase } from "pg";
import { addJob } from "#central/jobs/add-job.ts";
import { raiseGeneration } from "./sql/raise-generation.ts";
import { lockLeaving } from "./sql/select-leaving.ts";

/** Has the sites removed that gave way to this one: it is live now, or goes away itself. */
export async function removeLeaving(client: ClientBase, siteId: bigint): Promise<void> {
  for (const id of await lockLeaving(client, siteId)) {
    await raiseGeneration(client, id, "removing");
    await addJob(client, { task: "dispatch", siteId: id });
  }
}
