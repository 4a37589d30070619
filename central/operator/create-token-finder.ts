import type pg from "pg";
import type { TokenFinder } from "#common/rpc/gate.ts";
import { findToken } from "./find-token.ts";
import { hashToken } from "./token.ts";

const keepMs = 1_000;
/** There are never many at once: only tokens that are found are kept. */
const maxKept = 1_000;

/**
 * Finds bearer tokens for the gate. A write is asked of the database each time, so none passes once a token is revoked; for reads what was found is
 * kept for a second, at every replica, as looking a token up cost them as much as a short list does.
 */
export function createTokenFinder(pool: pg.Pool, now: () => number = () => performance.now()): TokenFinder {
  const kept = new Map<string, { at: number; found: ReturnType<TokenFinder> }>();
  return async (bearer, scope) => {
    const key = hashToken(bearer)?.toString("base64");
    if (key === undefined) return undefined;
    const known = kept.get(key);
    if (scope === "read" && known !== undefined && now() - known.at < keepMs) return known.found;
    const entry = { at: now(), found: findToken(pool, bearer) };
    if (kept.size >= maxKept) kept.clear();
    kept.set(key, entry);
    const forget = () => kept.get(key) === entry && kept.delete(key);
    try {
      const token = await entry.found;
      // Whoever guesses fills nothing.
      if (token === undefined) forget();
      return token;
    } catch (error) {
      forget();
      throw error;
    }
  };
}
