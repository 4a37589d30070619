import type { ClientBase } from "pg";
import { addJob } from "#central/jobs/add-job.ts";
import { clearLive } from "./sql/clear-live.ts";
import { raiseGeneration } from "./sql/raise-generation.ts";
import { selectServed } from "./sql/select-served.ts";

/**
 * Records that a worker removed a preview to make room; the site must be locked. Work on a newer commit goes on: the site is empty until that is live.
 * Without any, the site is evicted until its next generation. ignored: it is a production site, is not wanted anyhow, or serves something newer, so that
 * the report is late or wrong.
 */
export async function evictSite(
  client: ClientBase,
  siteId: bigint,
  evictedAt: bigint,
): Promise<"evicted" | "emptied" | "ignored"> {
  const site = await selectServed(client, siteId);
  if (site === undefined || site.kind !== "preview" || site.state !== "wanted") return "ignored";
  const isOldServed = site.liveGeneration !== null && site.liveGeneration <= evictedAt;
  if (!isOldServed && evictedAt < site.generation) return "ignored";
  const goesOn = site.isPending && evictedAt < site.generation;
  if (!goesOn) await raiseGeneration(client, siteId, "evicted", evictedAt);
  await clearLive(client, siteId);
  await addJob(client, { task: "comment", siteId });
  return goesOn ? "emptied" : "evicted";
}
