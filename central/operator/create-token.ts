import type pg from "pg";
import { withTransaction } from "#central/database/with-transaction.ts";
import { TokenSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, localActor } from "./actor.ts";
import { audit } from "./audit.ts";
import { insertToken } from "./sql/insert-token.ts";
import { selectTokenRow } from "./sql/select-tokens.ts";
import { hashToken, newToken } from "./token.ts";
import { tokenMessage } from "./token-message.ts";
import { violatedUnique } from "./violated-constraint.ts";

/** A token of that name exists, revoked or not: a name never means two tokens. */
export class TokenNameTakenError extends Error {
  override name = "TokenNameTakenError";
}

/** The name, scope or environment of a token to make is none. */
export class TokenValueError extends Error {
  override name = "TokenValueError";
}

/** Makes a token and returns it: it is stored only as a hash and cannot be shown again. */
export async function createToken(
  pool: pg.Pool,
  o: { name: string; scope: "read" | "write"; environment?: string | undefined },
  actor: Actor = localActor,
): Promise<string> {
  if (!/^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$/.test(o.name)) {
    const form = "1 to 64 of a-z, 0-9, dot, underscore and hyphen, the first and last of them a-z or 0-9";
    throw new TokenValueError(`name: ${JSON.stringify(o.name)} is not ${form}`);
  }
  if (o.scope !== "read" && o.scope !== "write") throw new TokenValueError("scope: must be read or write");
  const token = newToken();
  try {
    await withTransaction(pool, async (client) => {
      const { name, scope, environment } = o;
      if (!(await insertToken(client, { name, scope, environment, hash: hashToken(token)! })))
        throw new TokenValueError(`environment: there is no environment ${environment ?? ""}`);
      const row = await selectTokenRow(client, name, undefined);
      const written = { method: "CreateToken", resource: `tokens/${name}`, environment: environment ?? "" };
      await audit(client, actor, written, { schema: TokenSchema, after: row === undefined ? undefined : tokenMessage(row) });
    });
  } catch (error) {
    if (violatedUnique(error) !== "operator_tokens_name_key") throw error;
    throw new TokenNameTakenError(`name: there is a token ${o.name} already, or was one that is revoked`, { cause: error });
  }
  return token;
}
