import { randomBytes, timingSafeEqual } from "node:crypto";
import { keyBytes } from "./keys.ts";
import type { NonceStore } from "./nonces.ts";
import type { RefusalReason } from "./refusal.ts";
import { computeMac } from "./sign.ts";
import { parseSignatureHeader } from "./signature-header.ts";

export type { NonceStore } from "./nonces.ts";

/** Finds an active key of this direction. `caller` is the worker's id, or `central`. */
export type KeyFinder = (kid: string) => Promise<{ key: Buffer; caller: string } | undefined>;

/** How far a signature's time may be from ours, either way. */
export const signatureWindowMs = 300_000;

/** What a valid signature vouches for: who calls, and the digest that the body must have. */
export type Verified = { ok: true; caller: string; kid: string; digest: string };
export type Refused = { ok: false; reason: RefusalReason; kid?: string };

// An unknown kid costs the same MAC as a known one.
const dummyKey = randomBytes(keyBytes);

/**
 * Verifies a signature header against headers alone, before the body: grammar, time, MAC, nonce, in this order, so that each step costs an
 * outsider the cheaper refusal and only a caller with the key can fill the nonce store. Throws only what `findKey` and `nonces` throw.
 */
export async function verifySignature(o: {
  value: string | null;
  method: string;
  recipient: string;
  findKey: KeyFinder;
  nonces: NonceStore;
  now: Date;
}): Promise<Verified | Refused> {
  if (o.value === null || o.value === "") return { ok: false, reason: "signature_missing" };
  const header = parseSignatureHeader(o.value);
  if (header === undefined) return { ok: false, reason: "signature_malformed" };
  const { kid, ts, nonce, digest, sig } = header;
  if (Math.abs(o.now.getTime() - ts * 1000) > signatureWindowMs) return { ok: false, reason: "signature_stale", kid };
  const found = await o.findKey(kid);
  const mac = computeMac(found?.key ?? dummyKey, { method: o.method, recipient: o.recipient, kid, ts, nonce, digest });
  const same = timingSafeEqual(mac, Buffer.from(sig, "hex"));
  if (found === undefined) return { ok: false, reason: "signature_key_unknown", kid };
  if (!same) return { ok: false, reason: "signature_wrong", kid };
  // The same header passes the check of time until ts + window by this clock, and by that of a replica which is behind, a window later.
  const expiresAt = new Date(ts * 1000 + 2 * signatureWindowMs);
  if (!(await o.nonces.take(kid, nonce, expiresAt))) return { ok: false, reason: "signature_replayed", kid };
  return { ok: true, caller: found.caller, kid, digest };
}
