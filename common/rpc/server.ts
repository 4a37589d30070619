import { once } from "node:events";
import { createServer as createHttp1Server } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import type { ConnectRouter } from "@connectrpc/connect";
import type { Logger } from "../logger.ts";
import { createRpcHandler } from "./create-rpc-handler.ts";
import type { TlsFiles } from "./front.ts";
import { createFront } from "./front.ts";
import { addDiscovery } from "./add-discovery.ts";
import type { SignatureRules, TokenFinder } from "./gate.ts";
import type { IsReady } from "./health.ts";
import { isLoopback } from "./is-loopback.ts";
import { defaultGraceMs, defaultMaxMessageBytes, defaultMaxTimeoutMs } from "./limits.ts";
import type { RpcObserver } from "./observe-rpc.ts";
import type { HttpHandler, Traffic } from "./request-listener.ts";
import { createFallback, createRequestListener } from "./request-listener.ts";
import { stopServer } from "./stop-server.ts";

export type { Caller } from "./caller.ts";
export { callerKey } from "./caller.ts";
export type { TlsFiles } from "./front.ts";
export type { HttpHandler, HttpRequest, HttpResponse } from "./request-listener.ts";

export type RpcServer = { url: string; port: number; stop(graceMs?: number): Promise<void> };

const maxConcurrentStreams = 100;

/**
 * Serves RPCs (Connect, gRPC, gRPC-Web) and what stands beside them on one port, by HTTP/2 and HTTP/1.1. Which rule guards a method is its
 * option `catapult.v1.guard`; `signatures` and `tokens` say how this server checks the two kinds of rules, and a method whose kind it does not
 * check is refused. Health and reflection are added, open to all; `isReady` is what health tells. Without TLS it listens on loopback alone.
 * `stop` may be called more than once.
 */
export async function startRpcServer(o: {
  listen: { host: string; port: number };
  tls: TlsFiles | "off";
  routes: (router: ConnectRouter) => void;
  signatures?: SignatureRules;
  tokens?: TokenFinder;
  http?: HttpHandler;
  observe?: RpcObserver;
  isReady?: IsReady;
  log: Logger;
  maxMessageBytes?: number;
  maxTimeoutMs?: number;
  clock?: () => Date;
}): Promise<RpcServer> {
  const { listen, tls, log } = o;
  if (tls === "off" && !isLoopback(listen.host)) {
    throw new Error(
      `without TLS a server listens on a loopback address only, and ${listen.host} is none; set up TLS or 127.0.0.1`,
    );
  }
  const shutdown = new AbortController();
  const stopping = new AbortController();
  const traffic: Traffic = { running: new Set(), stopping: false };
  const rpc = createRpcHandler({
    routes: (router) => {
      o.routes(router);
      addDiscovery(router, { isReady: o.isReady ?? (() => Promise.resolve(true)), stopping: stopping.signal });
    },
    fallback: createFallback({ http: o.http, log }),
    ...(o.signatures === undefined ? {} : { signatures: o.signatures }),
    ...(o.tokens === undefined ? {} : { tokens: o.tokens }),
    ...(o.observe === undefined ? {} : { observe: o.observe }),
    log,
    clock: o.clock ?? (() => new Date()),
    maxMessageBytes: o.maxMessageBytes ?? defaultMaxMessageBytes,
    maxTimeoutMs: o.maxTimeoutMs ?? defaultMaxTimeoutMs,
    shutdownSignal: shutdown.signal,
  });
  const listener = createRequestListener({ rpc, traffic, log });

  const http1 = createHttp1Server(listener);
  // It never listens itself; this event starts the timers that end connections whose headers or body do not come.
  http1.emit("listening");
  const http2 = createHttp2Server({ settings: { maxConcurrentStreams } }, listener);
  const sessions = new Set<ServerHttp2Session>();
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  const front = createFront({
    tls,
    log,
    onHttp1: (socket) => http1.emit("connection", socket),
    onHttp2: (socket) => http2.emit("connection", socket),
  });

  // Without a host Node takes :: where there is IPv6, else 0.0.0.0.
  front.server.listen({ port: listen.port, ...(listen.host === "::" ? {} : { host: listen.host }) });
  await once(front.server, "listening");
  const port = readPort(front.server.address());

  let stopped: Promise<void> | undefined;
  return {
    url: `${tls === "off" ? "http" : "https"}://${formatHost(listen.host)}:${port}`,
    port,
    stop(graceMs = defaultGraceMs) {
      stopping.abort();
      stopped ??= stopServer({ front, http1, sessions, traffic, shutdown, graceMs });
      return stopped;
    },
  };
}

function readPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server listens on no TCP port");
  return address.port;
}

function formatHost(host: string): string {
  if (host === "::" || host === "0.0.0.0") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
