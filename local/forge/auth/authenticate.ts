import { createHash } from "node:crypto";
import type { ForgeContext } from "../context.ts";
import { badCredentials, HttpError } from "../http/errors.ts";
import type { Actor } from "./actor.ts";
import { verifyAppJwt } from "./verify-app-jwt.ts";

export function hashToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}

/** Who an Authorization header names. A token that is unknown, expired or revoked is refused, never taken as anonymous. */
export function authenticate(context: ForgeContext, authorization: string | undefined): Actor {
  if (authorization === undefined) return { kind: "anonymous" };
  const [, scheme = "", value = ""] = /^(\S+)\s+(.+)$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
    case "token":
      return authenticateToken(context, value.trim());
    case "basic":
      return authenticateBasic(context, value.trim());
    default:
      throw badCredentials();
  }
}

function authenticateBasic(context: ForgeContext, value: string): Actor {
  const decoded = Buffer.from(value, "base64").toString();
  const colon = decoded.indexOf(":");
  const [login, secret] = colon < 0 ? [decoded, ""] : [decoded.slice(0, colon), decoded.slice(colon + 1)];
  // A web token is no password, and git's tools may give a token as the user's name with an empty password.
  const actor = authenticateToken(context, secret === "" || secret === "x-oauth-basic" ? login : secret);
  if (actor.kind === "app") throw badCredentials();
  return actor;
}

function authenticateToken(context: ForgeContext, token: string): Actor {
  if (token.split(".").length === 3) {
    verifyAppJwt(token, context.app, context.clock());
    return { kind: "app" };
  }
  const account = context.store.accounts.find((each) => each.token !== undefined && each.token === token);
  if (account !== undefined) return { kind: "user", account };
  const hash = hashToken(token);
  const found = context.store.installationTokens.find((each) => each.hash === hash);
  if (found === undefined) throw badCredentials();
  const installation = context.store.installations.get(found.installationId);
  if (installation === undefined || new Date(found.expiresAt) <= context.clock()) {
    context.store.installationTokens.delete(found.id);
    throw badCredentials();
  }
  return { kind: "installation", installation, token: found };
}

/** For endpoints that only the App itself may call. */
export function requireApp(actor: Actor): void {
  if (actor.kind !== "app") throw new HttpError(401, "A JSON web token could not be decoded");
}
