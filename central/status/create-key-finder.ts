import type { Pool } from "pg";
import type { KeyFinder } from "#common/rpc/verify.ts";
import { openSecret } from "#central/database/seal.ts";
import { selectVerifyingKey } from "./sql/select-verifying-key.ts";

/** Finds the keys with which workers sign what they tell Central. */
export function createKeyFinder(o: { pool: Pool; secretKey: Buffer }): KeyFinder {
  return async (kid) => {
    const found = await selectVerifyingKey(o.pool, kid);
    return found === undefined ? undefined : { key: openSecret(o.secretKey, found.sealed), caller: found.workerId };
  };
}
