import type { ClientBase } from "pg";
import { SiteSchema } from "#gen/catapult/v1/operator_service_pb.js";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { siteMessage } from "./site-messages.ts";
import { selectSiteRow } from "./sql/select-sites.ts";

/** Does what an operator wants of a site that is locked, and records it of the site too if that pins it or ends its pin. */
export async function auditPin<T>(
  client: ClientBase,
  o: { actor: Actor; method: string; siteId: bigint },
  work: () => Promise<T>,
): Promise<T> {
  const before = await selectSiteRow(client, { id: o.siteId }, undefined);
  const done = await work();
  const after = await selectSiteRow(client, { id: o.siteId }, undefined);
  if (before === undefined || after === undefined || before.pinned_from === after.pinned_from) return done;
  const written = { method: o.method, resource: `sites/${o.siteId}`, environment: after.environment };
  await audit(client, o.actor, written, { schema: SiteSchema, before: siteMessage(before), after: siteMessage(after) });
  return done;
}
