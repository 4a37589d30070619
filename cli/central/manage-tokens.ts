import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { TokenSchema, TokenScopeSchema } from "#gen/catapult/v1/operator_service_pb.js";
import { formatEnum, parseEnum } from "../output/enum-names.ts";
import { formatTime, print, printJson, printList } from "../output/print.ts";
import { printItem } from "../output/print-item.ts";
import { callCentral } from "./call-central.ts";
import { listAll } from "./list-all.ts";

export type CreateTokenOptions = { scope: string; environment?: string; json?: boolean };

export async function createToken(name: string, options: CreateTokenOptions): Promise<void> {
  const token = { name, scope: parseEnum(TokenScopeSchema, options.scope), environment: options.environment ?? "" };
  const made = await callCentral(`make the token ${name}`, async (client) => client.createToken({ token }));
  if (options.json === true) printJson({ name, scope: options.scope, environment: token.environment, token: made.secret });
  else print(made.secret);
}

export async function listTokens(options: { json?: boolean }): Promise<void> {
  const tokens = await callCentral("list the tokens", async (client) =>
    listAll(async (page) => {
      const { tokens: items, nextPageToken } = await client.listTokens(page);
      return { items, nextPageToken };
    }),
  );
  printList(tokens, {
    json: options.json,
    toJson: (item) => toJson(TokenSchema, item),
    columns: {
      NAME: (item) => item.name,
      SCOPE: (item) => formatEnum(TokenScopeSchema, item.scope),
      ENVIRONMENT: (item) => item.environment,
      CREATED: (item) => formatTime(item.createTime && timestampDate(item.createTime)),
      USED: (item) => formatTime(item.useTime && timestampDate(item.useTime)) || "never",
      REVOKED: (item) => formatTime(item.revokeTime && timestampDate(item.revokeTime)),
    },
    none: "There are no tokens.",
  });
}

export async function revokeToken(name: string, options: { json?: boolean }): Promise<void> {
  const { token } = await callCentral(`revoke the token ${name}`, async (client) => client.revokeToken({ name }));
  if (options.json === true) printItem(TokenSchema, token, true);
  else print(`Token ${name} is revoked.`);
}
