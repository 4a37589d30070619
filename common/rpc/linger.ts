import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { constants } from "node:http2";
import type { Socket } from "node:net";

const patienceMs = 100;
const lingerMs = 500;

/**
 * Ends a connection whose request was answered before its body had arrived. Node would go on swallowing the body of a kept-alive HTTP/1.1
 * connection without an end (301 MB measured). A refusal comes so early that even a small body is not parsed yet, so the rest has `patienceMs`
 * to arrive, of which one buffer is read; then the client has `lingerMs` to take the answer, as destroying at once resets the connection and
 * can lose it. On HTTP/2 flow control holds the body back; the stream is closed once the answer is out, or a stream that the client leaves open
 * would count as running until its session ends.
 */
export function refuseUnreadBody(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  if ("stream" in request) {
    const { stream } = request;
    // The last that an answer sends are its trailers; its "finish" comes only with the end of the stream.
    stream.once("wantTrailers", () =>
      setImmediate(() => {
        if (!request.complete && !stream.destroyed) stream.close(constants.NGHTTP2_NO_ERROR);
      }),
    );
    return;
  }
  const { socket } = request;
  response.once("prefinish", () => {
    // Begins to read, up to one buffer: Node dumps a body that nobody began to read, and what is dumped knows no back-pressure.
    if (!request.complete) request.read(0);
  });
  response.once("finish", () => {
    if (!request.complete && !socket.destroyed) endUnlessComplete(request, socket);
  });
}

function endUnlessComplete(request: IncomingMessage, socket: Socket): void {
  let timer = setTimeout(() => {
    if (request.complete) {
      request.resume();
      return;
    }
    socket.end();
    timer = setTimeout(() => socket.destroy(), lingerMs);
  }, patienceMs);
  socket.once("close", () => clearTimeout(timer));
}
