import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { constants } from "node:http2";

const lingerMs = 500;

/**
 * Ends a connection whose request was answered before its body had arrived. Node would go on swallowing the body of a kept-alive HTTP/1.1
 * connection without an end (301 MB measured). At most one buffer of it is read; the client has `lingerMs` to take the answer, as destroying
 * at once resets the connection and can lose it. On HTTP/2 only the stream is closed.
 */
export function refuseUnreadBody(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  if ("stream" in request) {
    const { stream } = request;
    response.once("finish", () => {
      if (!request.complete) setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
    });
    return;
  }
  const { socket } = request;
  response.once("prefinish", () => {
    // A request that somebody began to read is left to back-pressure; one that nobody did is dumped by Node.
    if (!request.complete) request.read(0);
  });
  response.once("finish", () => {
    if (request.complete || socket.destroyed) return;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(timer));
  });
}
