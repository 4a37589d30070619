import type { ConnectRouter } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { createValidateInterceptor } from "@connectrpc/validate";
import type { Logger } from "../logger.ts";
import { createTraceServerInterceptor } from "../telemetry/trace-interceptors.ts";
import { remoteAddressKey } from "./caller.ts";
import { createDigestInterceptor } from "./digest-interceptor.ts";
import { createErrorInterceptor } from "./error-interceptor.ts";
import type { SignatureRules, TokenFinder } from "./gate.ts";
import { createGate } from "./gate.ts";
import { createObserveInterceptor, observeGate, type RpcObserver } from "./observe-rpc.ts";
import type { HttpRequest, HttpResponse } from "./request-listener.ts";

/**
 * The RPCs of a server: gate on the headers → body, within its limits → errors → digest → validation → handler.
 */
export function createRpcHandler(o: {
  routes: (router: ConnectRouter) => void;
  fallback: (request: HttpRequest, response: HttpResponse) => void;
  signatures?: SignatureRules;
  tokens?: TokenFinder;
  observe?: RpcObserver;
  log: Logger;
  clock: () => Date;
  maxMessageBytes: number;
  maxTimeoutMs: number;
  shutdownSignal: AbortSignal;
}): (request: HttpRequest, response: HttpResponse) => void {
  return connectNodeAdapter({
    routes: o.routes,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- connect-node types the response wider than what it was handed below
    fallback: (request, response) => o.fallback(request, response as HttpResponse),
    readMaxBytes: o.maxMessageBytes,
    writeMaxBytes: o.maxMessageBytes,
    maxTimeoutMs: o.maxTimeoutMs,
    shutdownSignal: o.shutdownSignal,
    // A JSON field that we do not know would be missing from the digest.
    jsonOptions: { ignoreUnknownFields: false },
    requestGate: o.observe === undefined ? createGate(o) : observeGate(createGate(o), o.observe),
    interceptors: [
      ...(o.observe === undefined ? [] : [createObserveInterceptor(o.observe)]),
      createTraceServerInterceptor(),
      createErrorInterceptor(o),
      createDigestInterceptor(o),
      createValidateInterceptor(),
    ],
    contextValues: (request) => createContextValues().set(remoteAddressKey, request.socket.remoteAddress),
  });
}
