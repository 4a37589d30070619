import { timingSafeEqual } from "node:crypto";
import type { Interceptor } from "@connectrpc/connect";
import type { Logger } from "../logger.ts";
import { promisedDigestKey, remoteAddressKey } from "./caller.ts";
import { digestMessage } from "./digest-message.ts";
import { readGuard } from "./read-guard.ts";
import { createRefusal } from "./refusal.ts";
import { methodPath } from "./sign.ts";

/** Refuses a signed call whose message is not the one that was signed. Runs first after decoding, before the message is validated. */
export function createDigestInterceptor(o: { log: Logger }): Interceptor {
  return (next) => async (request) => {
    if (readGuard(request.method).rule !== "signature") return next(request);
    const promised = request.contextValues.get(promisedDigestKey);
    // Without a promised digest the gate did not run for this call: fail closed.
    if (!request.stream && promised !== undefined) {
      const digest = digestMessage(request.method.input, request.message);
      if (timingSafeEqual(Buffer.from(digest), Buffer.from(promised))) return next(request);
    }
    const remote = request.contextValues.get(remoteAddressKey);
    o.log.warn({ rpc: methodPath(request.method), reason: "signature_digest_differs", remote }, "refused a caller");
    throw createRefusal();
  };
}
