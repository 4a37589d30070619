import { toJson, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { ClientBase } from "pg";
import type { Actor } from "./actor.ts";
import { insertAuditEntry } from "./sql/insert-audit-entry.ts";

export type Written = { method: string; resource: string; environment: string };

/**
 * Records what an operator wrote, in the transaction that writes it. The messages are what a Get answers, which holds no secret.
 */
export async function audit<D extends DescMessage>(
  client: ClientBase,
  actor: Actor,
  written: Written,
  change: { schema: D; before?: MessageShape<D> | undefined; after?: MessageShape<D> | undefined },
): Promise<void> {
  const asJson = (message: MessageShape<D> | undefined) => (message === undefined ? undefined : toJson(change.schema, message));
  await insertAuditEntry(client, { ...written, token: actor.name, before: asJson(change.before), after: asJson(change.after) });
}
