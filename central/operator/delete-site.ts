import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { raiseGeneration } from "#central/deployment/sql/raise-generation.ts";
import { removeLeaving } from "#central/deployment/remove-leaving.ts";
import { lockActionSite } from "#central/deployment/sql/select-site-action.ts";
import { setPin } from "#central/deployment/sql/set-pin.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { SiteSchema } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { siteNotFound } from "./not-found.ts";
import type { SiteRow } from "./rows.ts";
import { siteMessage } from "./site-messages.ts";
import { selectSiteRow } from "./sql/select-sites.ts";

/** Has a site removed by its worker. The pin keeps the comparison with GitHub from bringing the same commit back. */
export async function deleteSite(pool: pg.Pool, id: bigint, actor: Actor): Promise<SiteRow> {
  return withTransaction(pool, async (client) => {
    const site = await lockActionSite(client, id, actor.environment);
    const before = await selectSiteRow(client, { id }, actor.environment);
    if (site === undefined || before === undefined) throw siteNotFound(String(id));
    if (site.state === "removing" || site.state === "removed") return before;
    await raiseGeneration(client, id, "removing");
    await removeLeaving(client, id);
    await setPin(client, id, site.pinnedFrom ?? site.newest?.commit ?? null);
    await addJob(client, { task: "dispatch", siteId: id });
    await addJob(client, { task: "comment", siteId: id });
    const row = (await selectSiteRow(client, { id }, undefined)) ?? before;
    const written = { method: "DeleteSite", resource: `sites/${id}`, environment: row.environment };
    await audit(client, actor, written, { schema: SiteSchema, before: siteMessage(before), after: siteMessage(row) });
    return row;
  });
}
