import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { getCACertificates } from "node:tls";
import type { DescService } from "@bufbuild/protobuf";
import type { Client, Interceptor } from "@connectrpc/connect";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createTraceClientInterceptor } from "../telemetry/trace-interceptors.ts";
import { isLoopback } from "./is-loopback.ts";
import { defaultMaxMessageBytes, defaultTimeoutMs } from "./limits.ts";
import { createRetryInterceptor } from "./retry-interceptor.ts";

const defaultRetries = 3;

/**
 * A client over HTTP/1.1 with kept-alive connections: over HTTP/2, connect-node raises an uncaught exception when a call meets a GOAWAY on an
 * idle session (connect-es #1768). `ca` (PEM) is added to the trust; plain http is for loopback alone. Calls end after `timeoutMs` in all;
 * `retries` count after the first attempt. `interceptors` run within each attempt.
 */
export function createServiceClient<S extends DescService>(
  service: S,
  o: { url: string; ca?: string; interceptors?: Interceptor[]; timeoutMs?: number; retries?: number },
): Client<S> & { close(): void } {
  const agent = createAgent(o.url, o.ca);
  const transport = createConnectTransport({
    httpVersion: "1.1",
    baseUrl: o.url,
    nodeOptions: { agent },
    defaultTimeoutMs: o.timeoutMs ?? defaultTimeoutMs,
    readMaxBytes: defaultMaxMessageBytes,
    interceptors: [
      createRetryInterceptor(o.retries ?? defaultRetries),
      createTraceClientInterceptor(),
      ...(o.interceptors ?? []),
    ],
  });
  return Object.assign(createClient(service, transport), { close: () => agent.destroy() });
}

function createAgent(url: string, ca: string | undefined): HttpAgent {
  const { protocol, hostname } = new URL(url);
  const options = { keepAlive: true, maxSockets: 64 };
  if (protocol === "https:") {
    return new HttpsAgent({ ...options, ...(ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] }) });
  }
  if (protocol === "http:" && isLoopback(hostname)) return new HttpAgent(options);
  throw new Error(`RPCs go over https, or over http to this machine alone; ${protocol}//${hostname} is neither`);
}
