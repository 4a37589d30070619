import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { TokenSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor } from "./actor.ts";
import { audit } from "./audit.ts";
import { tokenNotFound } from "./not-found.ts";
import { selectTokenRow, type TokenRow } from "./sql/select-tokens.ts";
import { updateTokenRevoked } from "./sql/update-token-revoked.ts";
import { tokenMessage } from "./token-message.ts";

/** Revokes a token by its name. The time of the first revocation stays. */
export async function revokeNamedToken(pool: pg.Pool, name: string, actor: Actor): Promise<TokenRow> {
  const row = await revoke(pool, name, actor);
  if (row === undefined) throw tokenNotFound(name);
  return row;
}

/** The same for whoever holds the database itself. False: no such token. */
export async function revokeToken(pool: pg.Pool, name: string): Promise<boolean> {
  return (await revoke(pool, name, localActor)) !== undefined;
}

async function revoke(pool: pg.Pool, name: string, actor: Actor): Promise<TokenRow | undefined> {
  return withTransaction(pool, async (client) => {
    const before = await selectTokenRow(client, name, actor.environment);
    if (before === undefined) return undefined;
    if (before.revoked_at !== null) return before;
    await updateTokenRevoked(client, name);
    const row = (await selectTokenRow(client, name, undefined)) ?? before;
    const written = { method: "RevokeToken", resource: `tokens/${name}`, environment: row.environment ?? "" };
    await audit(client, actor, written, { schema: TokenSchema, before: tokenMessage(before), after: tokenMessage(row) });
    return row;
  });
}
