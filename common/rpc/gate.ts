import type { HandlerContext } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "../logger.ts";
import { callerKey, promisedDigestKey, remoteAddressKey } from "./caller.ts";
import type { GuardRule } from "./read-guard.ts";
import { readGuard } from "./read-guard.ts";
import type { RefusalReason } from "./refusal.ts";
import { reasonError } from "./reason-error.ts";
import { createRefusal } from "./refusal.ts";
import { methodPath } from "./sign.ts";
import type { KeyFinder, NonceStore } from "./verify.ts";
import { verifySignature } from "./verify.ts";

/** How a server verifies signatures: which header it serves, and under which name callers sign for it. */
export type SignatureRules = { header: string; recipient: string; findKey: KeyFinder; nonces: NonceStore };
/** Finds a bearer token that is known and not revoked, for a method of that scope. */
export type TokenFinder = (
  bearer: string,
  scope: "read" | "write",
) => Promise<{ name: string; scope: "read" | "write"; environment?: string | undefined } | undefined>;

const bearerForm = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i;

type Refuse = (reason: RefusalReason, kid?: string) => ConnectError;

/**
 * The gate that stands before every RPC. It decides on headers alone, before a byte of the body is read, and leaves the caller in the
 * context. Refusals read all the same; only the log has the reason. When keys, nonces or tokens cannot be looked up it answers unavailable.
 */
export function createGate(o: {
  signatures?: SignatureRules;
  tokens?: TokenFinder;
  log: Logger;
  clock: () => Date;
}): (context: HandlerContext) => Promise<void> {
  return async (context) => {
    const rpc = methodPath(context.method);
    const remote = context.values.get(remoteAddressKey);
    const refuse: Refuse = (reason, kid) => {
      o.log.warn({ rpc, reason, kid, remote }, "refused a caller");
      return createRefusal();
    };
    try {
      const rule = readGuard(context.method);
      if (rule.rule === "none") throw refuse("no_guard");
      if (rule.rule === "open") return;
      if (rule.rule === "token") await admitToken(context, rule, o.tokens, refuse);
      else await admitSignature(context, rule, o.signatures, o.clock, refuse);
    } catch (err) {
      if (err instanceof ConnectError) throw err;
      o.log.error({ err, rpc }, "a caller could not be verified");
      throw reasonError(Code.Unavailable, "unavailable", "the caller cannot be verified now, try again later");
    }
  };
}

async function admitSignature(
  context: HandlerContext,
  rule: GuardRule & { rule: "signature" },
  signatures: SignatureRules | undefined,
  clock: () => Date,
  refuse: Refuse,
): Promise<void> {
  // A signature covers one message, so a stream has none.
  if (signatures === undefined || rule.header !== signatures.header || context.method.methodKind !== "unary") {
    throw refuse("guard_not_served");
  }
  const verified = await verifySignature({
    value: context.requestHeader.get(rule.header),
    method: methodPath(context.method),
    recipient: signatures.recipient,
    findKey: signatures.findKey,
    nonces: signatures.nonces,
    now: clock(),
  });
  if (!verified.ok) throw refuse(verified.reason, verified.kid);
  context.values.set(promisedDigestKey, verified.digest);
  context.values.set(
    callerKey,
    rule.signer === "worker" ? { kind: "worker", worker: verified.caller, kid: verified.kid } : { kind: "central" },
  );
}

async function admitToken(
  context: HandlerContext,
  rule: GuardRule & { rule: "token" },
  tokens: TokenFinder | undefined,
  refuse: Refuse,
): Promise<void> {
  if (tokens === undefined) throw refuse("guard_not_served");
  const bearer = bearerForm.exec(context.requestHeader.get("Authorization") ?? "")?.[1];
  if (bearer === undefined) throw refuse("token_missing");
  const token = await tokens(bearer, rule.scope);
  if (token === undefined) throw refuse("token_unknown");
  if (rule.scope === "write" && token.scope !== "write") {
    throw reasonError(Code.PermissionDenied, "token_scope", `${methodPath(context.method)} needs a token of scope write`);
  }
  const { name, scope, environment } = token;
  context.values.set(callerKey, { kind: "token", name, scope, environment });
}
