import { timingSafeEqual } from "node:crypto";
import type pg from "pg";
import { selectToken } from "./sql/select-token.ts";
import { touchToken } from "./sql/touch-token.ts";
import { hashToken } from "./token.ts";

/**
 * Who a bearer token belongs to; undefined if it is none, unknown or revoked. It is looked up by its hash, whose order of comparison
 * says nothing about the token, and compared once more in constant time.
 */
export async function findToken(
  pool: pg.Pool,
  bearer: string,
): Promise<{ name: string; scope: "read" | "write"; environment?: string | undefined } | undefined> {
  const hash = hashToken(bearer);
  if (hash === undefined) return undefined;
  const row = await selectToken(pool, hash);
  if (row === undefined || !timingSafeEqual(row.token_hash, hash) || row.revoked_at !== null) return undefined;
  if (row.used_long_ago) await touchToken(pool, row.id);
  const { name, scope, environment } = row;
  return environment === null ? { name, scope } : { name, scope, environment };
}
