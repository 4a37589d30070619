import type { Pool } from "pg";
import type { NonceStore } from "#common/rpc/nonces.ts";
import { insertNonce } from "./sql/insert-nonce.ts";

/** Nonces in PostgreSQL: what one replica took is seen by all, and after a restart. */
export function createNonceStore(pool: Pool): NonceStore {
  return { take: async (kid, nonce, expiresAt) => insertNonce(pool, kid, nonce, expiresAt) };
}
