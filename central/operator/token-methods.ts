import { create } from "@bufbuild/protobuf";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import {
  CreateTokenRequestSchema,
  TokenSchema,
  TokenScope,
  type OperatorService,
  type Token,
} from "#gen/catapult/v1/operator_service_pb.js";
import { type Actor, readActor, requireEnvironment, requireUnbound } from "./actor.ts";
import { createToken, TokenNameTakenError, TokenValueError } from "./create-token.ts";
import type { OperatorContext } from "./operator-context.ts";
import { cutPage, readPage } from "./page.ts";
import { required } from "./required.ts";
import { revokeNamedToken } from "./revoke-token.ts";
import { selectTokenPage } from "./sql/select-tokens.ts";
import { tokenMessage } from "./token-message.ts";
import { fieldError } from "./violation.ts";

type Methods = "createToken" | "listTokens" | "revokeToken";

export function createTokenMethods(o: OperatorContext): Pick<ServiceImpl<typeof OperatorService>, Methods> {
  const { pool, log } = o;
  return {
    async createToken(request, context) {
      const actor = readActor(context);
      const token = required(request.token, "token");
      const secret = await makeToken(o, token, actor);
      log.info({ made: token.name, tokenName: actor.name }, "token made");
      const { name, scope, environment } = token;
      return { token: create(TokenSchema, { name, scope, environment }), secret };
    },
    async listTokens(request, context) {
      const { environment: within } = readActor(context);
      const page = readPage<[string]>(request, { list: "tokens", filters: [], keys: 1 });
      const rows = await selectTokenPage(pool, { within, after: page.after?.[0], limit: page.limit + 1 });
      const cut = cutPage(rows, page, (row) => [row.name]);
      return { tokens: cut.rows.map(tokenMessage), nextPageToken: cut.nextPageToken };
    },
    async revokeToken(request, context) {
      const actor = readActor(context);
      const row = await revokeNamedToken(pool, request.name, actor);
      log.info({ revoked: row.name, tokenName: actor.name }, "token revoked");
      return { token: tokenMessage(row) };
    },
  };
}

/** Whoever is bound to an environment makes tokens that are bound to it too. */
async function makeToken(o: OperatorContext, token: Token, actor: Actor): Promise<string> {
  const { name, environment } = token;
  if (environment === "") requireUnbound(actor, "making a token for all environments");
  else requireEnvironment(actor, environment);
  const scope = token.scope === TokenScope.WRITE ? "write" : "read";
  try {
    return await createToken(o.pool, { name, scope, environment: environment === "" ? undefined : environment }, actor);
  } catch (error) {
    if (error instanceof TokenNameTakenError) {
      const violation = { field: "token.name", message: error.message.replace(/^name: /, "") };
      throw fieldError(Code.AlreadyExists, CreateTokenRequestSchema, [violation], "token_exists");
    }
    if (error instanceof TokenValueError) {
      const violation = { field: "token.environment", message: error.message.replace(/^environment: /, "") };
      throw fieldError(Code.InvalidArgument, CreateTokenRequestSchema, [violation], "environment_not_found");
    }
    throw error;
  }
}
