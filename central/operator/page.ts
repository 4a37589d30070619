import { createHash } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";

/** What one page asks of a table: how many rows, the key of the last one before it, and what its token is bound to. */
export type Page<K extends readonly string[]> = { limit: number; after: K | undefined; bind: () => string };

const defaultSize = 100;
const maxSize = 1_000;

/**
 * Reads a list's page. The token holds the last row's key and what it is bound to: the list and its filters. It needs no signature: whatever it
 * says, the rows are those that the filters and the caller's environment let through.
 */
export function readPage<K extends readonly string[]>(
  request: { pageSize: number; pageToken: string },
  o: { list: string; filters: readonly unknown[]; keys: K["length"] },
): Page<K> {
  const bind = () =>
    createHash("sha256")
      .update(JSON.stringify([o.list, ...o.filters], (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)))
      .digest("base64url")
      .slice(0, 16);
  const limit = Math.min(request.pageSize === 0 ? defaultSize : request.pageSize, maxSize);
  if (request.pageToken === "") return { limit, after: undefined, bind };
  const after = parseToken(request.pageToken, bind(), o.keys);
  if (after === undefined) {
    const message = "page_token: must be next_page_token of a call with the same filters";
    throw reasonError(Code.InvalidArgument, "page_token_invalid", message, { fields: [{ field: "page_token", message }] });
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its length was compared
  return { limit, after: after as unknown as K, bind };
}

/** Cuts what was read with `limit + 1` to the page, and makes the token of the next one. */
export function cutPage<T>(
  rows: readonly T[],
  page: { limit: number; bind: () => string },
  keyOf: (row: T) => readonly (string | bigint)[],
): { rows: T[]; nextPageToken: string } {
  const kept = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? kept.at(-1) : undefined;
  const nextPageToken =
    last === undefined ? "" : Buffer.from(JSON.stringify([page.bind(), ...keyOf(last).map(String)])).toString("base64url");
  return { rows: kept, nextPageToken };
}

/** An id out of a token's key; what is none becomes one that no row has. */
export function parseKeyId(text: string | undefined): bigint | null {
  if (text === undefined) return null;
  return /^[0-9]{1,18}$/.test(text) ? BigInt(text) : 0n;
}

function parseToken(token: string, binding: string, keys: number): string[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    if (!Array.isArray(parts) || parts.length !== keys + 1 || parts[0] !== binding) return undefined;
    const texts = parts.slice(1).filter((part) => typeof part === "string" && !part.includes("\0"));
    return texts.length === keys ? texts : undefined;
  } catch {
    return undefined;
  }
}
