import type { Pool } from "pg";
import type { KeyFinder } from "#common/rpc/verify.ts";
import { openSecret } from "#central/database/seal.ts";
import { selectVerifyingKey } from "./sql/select-verifying-key.ts";

/** Finds the keys with which workers sign what they tell Central. */
export function createKeyFinder(o: { pool: Pool; secretKey: Buffer }): KeyFinder {
  // Whether a key counts is asked each time; one that was opened is not opened again. Only kids of our tables come in here.
  const opened = new Map<string, { sealed: Buffer; key: Buffer }>();
  return async (kid) => {
    const found = await selectVerifyingKey(o.pool, kid);
    if (found === undefined) {
      opened.delete(kid);
      return undefined;
    }
    let known = opened.get(kid);
    if (known === undefined || !known.sealed.equals(found.sealed)) {
      known = { sealed: found.sealed, key: openSecret(o.secretKey, found.sealed) };
      opened.set(kid, known);
    }
    return { key: known.key, caller: found.workerId };
  };
}
