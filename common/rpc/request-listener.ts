import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Logger } from "../logger.ts";
import { refuseUnreadBody } from "./linger.ts";

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;
/** Serves a path that is no RPC. false: it is not one of its own. */
export type HttpHandler = (request: HttpRequest, response: HttpResponse) => Promise<boolean>;

/** Every request that is being answered, and whether new ones are. */
export type Traffic = { readonly running: Set<HttpResponse>; stopping: boolean };

/**
 * Wraps the RPC handler so that no request can end the process: connect-node throws synchronously at a request without a usable Host (`POST
 * <rpc path> HTTP/1.0`), which becomes a 400 here.
 */
export function createRequestListener(o: {
  rpc: (request: HttpRequest, response: HttpResponse) => void;
  traffic: Traffic;
  log: Logger;
}): (request: HttpRequest, response: HttpResponse) => void {
  return (request, response) => {
    o.traffic.running.add(response);
    response.once("close", () => o.traffic.running.delete(response));
    refuseUnreadBody(request, response);
    if (o.traffic.stopping) {
      if (!("stream" in response)) response.setHeader("Connection", "close");
      answer(response, 503, "stopping\n");
      return;
    }
    try {
      o.rpc(request, response);
    } catch (err) {
      o.log.info(
        { err, path: request.url, remote: request.socket.remoteAddress },
        "refused a request that is not HTTP as we speak it",
      );
      answer(response, 400, "bad request\n");
    }
  };
}

/** Serves what is no RPC: `http` first, else 404. */
export function createFallback(o: {
  http: HttpHandler | undefined;
  log: Logger;
}): (request: HttpRequest, response: HttpResponse) => void {
  async function serve(request: HttpRequest, response: HttpResponse): Promise<void> {
    try {
      const served = o.http !== undefined && (await o.http(request, response));
      if (!served) answer(response, 404, "not found\n");
    } catch (err) {
      o.log.error({ err, path: request.url }, "a request failed");
      answer(response, 500, "internal error\n");
    }
  }
  return (request, response) => void serve(request, response);
}

/** Answers in plain text, unless an answer is already under way: that one can only be cut off. */
function answer(response: HttpResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.setHeader("Content-Length", Buffer.byteLength(text));
  response.end(text);
}
