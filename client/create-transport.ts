import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { isIPv4 } from "node:net";
import tls from "node:tls";
import type { Interceptor, Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { CatapultOptions } from "./options.ts";
import { createRetryInterceptor } from "./retry-interceptor.ts";

const defaultTimeoutMs = 30_000;
const defaultRetries = 3;
const maxMessageBytes = 16 * 1024 * 1024;
/** Each watch has a connection of its own. */
const maxConnections = 1_024;

/** HTTP/1.1 with kept-alive connections: over HTTP/2, connect-node ends the process when a call meets a server that is going away. */
export function createTransport(o: CatapultOptions): { transport: Transport; close(): void } {
  const agent = createAgent(o.url, o.ca);
  const { token } = o;
  const authorize: Interceptor = (next) => async (request) => {
    request.header.set("Authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    return next(request);
  };
  const transport = createConnectTransport({
    httpVersion: "1.1",
    baseUrl: o.url,
    nodeOptions: { agent },
    readMaxBytes: maxMessageBytes,
    interceptors: [createRetryInterceptor(o.retries ?? defaultRetries), authorize, ...(o.interceptors ?? [])],
  });
  const timeoutMs = o.timeoutMs ?? defaultTimeoutMs;
  return {
    transport: {
      // Connect's own default would end streams as well.
      unary: async (method, signal, ownTimeoutMs, ...rest) => transport.unary(method, signal, ownTimeoutMs ?? timeoutMs, ...rest),
      stream: async (...call) => transport.stream(...call),
    },
    close: () => agent.destroy(),
  };
}

function createAgent(url: string, ca: string | undefined): HttpAgent {
  const { protocol, hostname } = new URL(url);
  const options = { keepAlive: true, maxSockets: maxConnections };
  if (protocol === "https:")
    return new HttpsAgent({ ...options, ...(ca === undefined ? {} : { ca: [...systemCertificates(), ca] }) });
  if (protocol === "http:" && isLoopback(hostname)) return new HttpAgent(options);
  throw new Error(`${url}: Central is called over https, or over http on this machine alone, as the token goes with each call`);
}

/** Before Node 22.15 there is only the list that Node brings along. */
function systemCertificates(): readonly string[] {
  const read: typeof tls.getCACertificates | undefined = tls.getCACertificates;
  return read === undefined ? tls.rootCertificates : read("default");
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}
