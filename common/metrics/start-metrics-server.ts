import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { errorCode } from "../error-details.ts";
import type { Logger } from "../logger.ts";
import type { Registry } from "./create-registry.ts";

export type MetricsServer = { readonly url: string | undefined; stop(): Promise<void> };

type Options = {
  listen: { host: string; port: number };
  registry: Registry;
  /** Brings gauges up to date before each answer. What it throws is logged, and the rest is answered. */
  refresh?: () => Promise<void>;
  log: Logger;
  retryMs?: number;
};

const defaultRetryMs = 10_000;

/**
 * Serves `/metrics` in the text format of Prometheus, by plain HTTP. Figures are no reason not to start: where the address is taken, by another
 * replica on this machine perhaps, that is said and tried again until it is free.
 */
export async function startMetricsServer(o: Options): Promise<MetricsServer> {
  let server: Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function open(): Promise<void> {
    try {
      server = await listen(o);
      o.log.info({ url: urlOf(server, o.listen.host) }, "metrics are served");
    } catch (err) {
      if (errorCode(err) !== "EADDRINUSE" && errorCode(err) !== "EADDRNOTAVAIL") throw err;
      o.log.warn({ err, listen: o.listen }, "metrics cannot be served there now; it is tried again, or set METRICS_LISTEN");
      timer = setTimeout(() => void open().catch(tell), o.retryMs ?? defaultRetryMs);
      timer.unref();
    }
    if (stopped) await close(server);
  }
  const tell = (err: unknown): void => o.log.error({ err, listen: o.listen }, "metrics cannot be served");

  await open();
  return {
    get url() {
      return server === undefined ? undefined : urlOf(server, o.listen.host);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await close(server);
    },
  };
}

async function listen(o: Options): Promise<Server> {
  const server = createServer((request, response) => void answer(o, request, response));
  server.listen({ port: o.listen.port, ...(o.listen.host === "::" ? {} : { host: o.listen.host }) });
  await once(server, "listening");
  return server;
}

async function answer(o: Options, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.url !== "/metrics" || (request.method !== "GET" && request.method !== "HEAD")) {
    response.writeHead(404, { "content-type": "text/plain" }).end("not found\n");
    return;
  }
  try {
    await o.refresh?.();
  } catch (err) {
    o.log.warn({ err }, "some figures could not be read");
  }
  try {
    const text = await o.registry.metrics();
    response.writeHead(200, { "content-type": o.registry.contentType, "cache-control": "no-store" }).end(text);
  } catch (err) {
    o.log.error({ err }, "the metrics could not be written");
    response.writeHead(500).end();
  }
}

async function close(server: Server | undefined): Promise<void> {
  if (server === undefined || !server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const name = host === "::" || host === "0.0.0.0" ? "localhost" : host.includes(":") ? `[${host}]` : host;
  return `http://${name}:${port}/metrics`;
}
