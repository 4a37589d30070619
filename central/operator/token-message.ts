import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { TokenSchema, TokenScope, type Token } from "#gen/catapult/v1/operator_service_pb.js";
import type { TokenRow } from "./sql/select-tokens.ts";

export function tokenMessage(row: TokenRow): Token {
  return create(TokenSchema, {
    name: row.name,
    scope: row.scope === "write" ? TokenScope.WRITE : TokenScope.READ,
    environment: row.environment ?? "",
    createTime: timestampFromDate(row.created_at),
    ...(row.used_at !== null && { useTime: timestampFromDate(row.used_at) }),
    ...(row.revoked_at !== null && { revokeTime: timestampFromDate(row.revoked_at) }),
  });
}
