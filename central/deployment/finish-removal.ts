import type { ClientBase } from "pg";
import { addJob } from "#central/jobs/add-job.ts";
import { deleteLeft } from "./sql/delete-left.ts";
import { markSiteRemoved } from "./sql/mark-site-removed.ts";

/**
 * Records that nothing of a site is served any more; false: the site is not being removed at this generation. The comment's job ends the row
 * of a site whose config is being deleted, once the pull request was told.
 */
export async function finishRemoval(client: ClientBase, site: { id: bigint; generation: bigint }): Promise<boolean> {
  const removed = await markSiteRemoved(client, site);
  if (!removed) return false;
  if (await deleteLeft(client, site.id)) return true;
  await addJob(client, { task: "comment", siteId: site.id });
  return true;
}
