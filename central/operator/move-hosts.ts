import { Code } from "@connectrpc/connect";
import type pg from "pg";
import { previewHost } from "#central/decision/decide.ts";
import { insertDeployment } from "#central/deployment/sql/insert-deployment.ts";
import { raiseGeneration } from "#central/deployment/sql/raise-generation.ts";
import { selectRestorable } from "#central/deployment/sql/select-restorable.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { DeploymentConfigRow } from "./rows.ts";
import {
  deleteRemovedAt,
  deleteSite,
  insertReplacement,
  markLeaving,
  selectLeavingAt,
  unmarkLeaving,
} from "./sql/replace-site.ts";
import { selectSitesToMove, type SiteToMove } from "./sql/select-sites-to-move.ts";

/** The site at this host is another repository's. */
export class HostTakenError extends Error {
  override name = "HostTakenError";
  readonly host: string;
  constructor(host: string) {
    super(`the host ${host} is another repository's`);
    this.host = host;
  }
}

/**
 * Gives each site of a config, which is locked and has its new hosts already, the site at its new host; answers how many of them are to be built.
 * A site's host never changes, since its worker and GitHub know it by it: the new one is a site of its own, and the old one is removed once that is live.
 */
export async function moveHosts(client: pg.ClientBase, config: DeploymentConfigRow, requestedBy: string): Promise<number> {
  const sites = await selectSitesToMove(client, config.id);
  let moved = 0;
  for (const site of sites) {
    const host = hostOf(config, site);
    if (host !== site.host && (await moveSite(client, site, { configId: config.id, host, requestedBy }))) moved += 1;
  }
  return moved;
}

async function moveSite(
  client: pg.ClientBase,
  site: SiteToMove,
  o: { configId: bigint; host: string; requestedBy: string },
): Promise<boolean> {
  const restorable = site.state === "wanted" ? await selectRestorable(client, site.id) : undefined;
  await markLeaving(client, site.id);
  await deleteRemovedAt(client, o.configId, o.host);
  const id = await takePlace(client, site, o);
  if (site.kind === "preview") await addJob(client, { task: "comment", siteId: id });
  if (restorable !== undefined) {
    const { kind: _, ...deployment } = restorable;
    const generation = await raiseGeneration(client, id, "wanted");
    const { requestedBy } = o;
    await insertDeployment(client, {
      ...deployment,
      siteId: id,
      generation,
      state: "queued",
      deliveryGuid: undefined,
      requestedBy,
    });
    await addJob(client, { task: "dispatch", siteId: id });
    return true;
  }
  // Nothing of it is served, or it is on its way out: it waits for no other.
  if (site.state === "wanted") {
    await raiseGeneration(client, site.id, "removing");
    await addJob(client, { task: "dispatch", siteId: site.id });
  } else if (site.state !== "removing") await deleteSite(client, site.id);
  return false;
}

async function takePlace(client: pg.ClientBase, site: SiteToMove, o: { configId: bigint; host: string }): Promise<bigint> {
  const back = await selectLeavingAt(client, o.configId, o.host);
  if (back?.state === "removing") {
    const message = `the site at ${o.host} is being removed still: try again when it is gone`;
    throw reasonError(Code.FailedPrecondition, "site_leaving", message);
  }
  if (back !== undefined) {
    await unmarkLeaving(client, back.id, site.id);
    return back.id;
  }
  const id = await insertReplacement(client, site.id, { host: o.host, state: site.state === "wanted" ? "wanted" : "removed" });
  if (id === undefined) throw new HostTakenError(o.host);
  return id;
}

function hostOf(config: DeploymentConfigRow, site: SiteToMove): string {
  if (site.kind === "production") return config.production_host;
  return previewHost({ previewLabel: config.preview_label, domain: config.domain }, site.pullRequest ?? 0n);
}
