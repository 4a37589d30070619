import { createHmac, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import type { SigningKey } from "./keys.ts";
import { formatSignatureHeader } from "./signature-header.ts";

/** What a signature covers. `method` is the RPC's path; `recipient` a worker's id, or `central`. */
export type SignedParts = { method: string; recipient: string; kid: string; ts: number; nonce: string; digest: string };

/** The path of an RPC, as signatures and logs name it. */
export function methodPath(method: { parent: { typeName: string }; name: string }): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The lines that are signed. No part can hold a newline: the header's grammar and the ids' exclude it. */
export function formatStringToSign(parts: SignedParts): string {
  const { method, recipient, kid, ts, nonce, digest } = parts;
  return ["CATAPULT-HMAC-SHA256", method, recipient, kid, ts, nonce, digest].join("\n");
}

// Preparing a key for OpenSSL costs five times what a MAC does: 15 us a call without this, 3 with.
const prepared = new WeakMap<Buffer, KeyObject>();

function prepare(key: Buffer): KeyObject {
  const known = prepared.get(key) ?? createSecretKey(key);
  prepared.set(key, known);
  return known;
}

/** HMAC-SHA256 over the string to sign. */
export function computeMac(key: Buffer, parts: SignedParts): Buffer {
  return createHmac("sha256", prepare(key)).update(formatStringToSign(parts)).digest();
}

/** A signature header's value for one call, with a fresh nonce unless one is given. */
export function signCall(o: {
  method: string;
  recipient: string;
  digest: string;
  key: SigningKey;
  now: Date;
  nonce?: string;
}): string {
  const nonce = o.nonce ?? randomBytes(18).toString("base64url");
  const ts = Math.floor(o.now.getTime() / 1000);
  const { kid, key } = o.key;
  const sig = computeMac(key, { method: o.method, recipient: o.recipient, kid, ts, nonce, digest: o.digest }).toString("hex");
  return formatSignatureHeader({ kid, ts, nonce, digest: o.digest, sig });
}
