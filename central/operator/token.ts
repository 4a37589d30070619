import { createHash, randomBytes } from "node:crypto";

const form = /^cat_[A-Za-z0-9_-]{43}$/;

/** A new bearer token: 256 random bits. It is as long as it is random, so a plain hash of it is enough to store. */
export function newToken(): string {
  return `cat_${randomBytes(32).toString("base64url")}`;
}

/** The hash under which a token is stored; undefined for what is no token, so that nothing else is ever looked up. */
export function hashToken(bearer: string): Buffer | undefined {
  return form.test(bearer) ? createHash("sha256").update(bearer).digest() : undefined;
}
