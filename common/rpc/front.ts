import type { Server, Socket } from "node:net";
import { createServer as createNetServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Logger } from "../logger.ts";

/** PEM texts. */
export type TlsFiles = { cert: string; key: string };

/** What one port accepts, sorted by protocol. */
export type Front = { server: Server; destroySockets(): void };

const handshakeTimeoutMs = 10_000;
// A dead peer is noticed by TCP after this much silence; without it an idle HTTP/2 session would stay for ever.
const keepAlive = { keepAlive: true, keepAliveInitialDelay: 60_000, noDelay: true };
const http2Preface = Buffer.from("PRI");

/**
 * One port for HTTP/2 and HTTP/1.1. Under TLS the client chooses by ALPN; without TLS the first bytes tell, as Node's own h2c server does not
 * answer HTTP/1.1.
 */
export function createFront(o: {
  tls: TlsFiles | "off";
  onHttp1: (socket: Socket) => void;
  onHttp2: (socket: Socket) => void;
  log: Logger;
}): Front {
  const sockets = new Set<Socket>();
  function track(socket: Socket): void {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  }

  const server = o.tls === "off" ? createNetServer(keepAlive) : createTlsServer({ ...keepAlive, ...tlsOptions(o.tls) });
  server.on("connection", track);
  if (o.tls === "off") {
    server.on("connection", (socket) => sniff(socket, o));
  } else {
    server.on("secureConnection", (socket) => {
      track(socket);
      if (socket.alpnProtocol === "h2") o.onHttp2(socket);
      else o.onHttp1(socket);
    });
    server.on("tlsClientError", (err) => o.log.debug({ err }, "a TLS handshake failed"));
  }
  return {
    server,
    destroySockets() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function tlsOptions(tls: TlsFiles) {
  return { cert: tls.cert, key: tls.key, ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout: handshakeTimeoutMs };
}

function sniff(socket: Socket, o: { onHttp1: (socket: Socket) => void; onHttp2: (socket: Socket) => void }): void {
  let seen = Buffer.alloc(0);
  const destroy = () => socket.destroy();
  const timer = setTimeout(destroy, handshakeTimeoutMs);

  function leave(): void {
    clearTimeout(timer);
    socket.off("readable", onReadable);
    socket.off("error", destroy);
    socket.off("end", destroy);
  }

  function onReadable(): void {
    for (let chunk = read(socket); chunk !== undefined; chunk = read(socket)) seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, http2Preface.length);
    const mayBeHttp2 = seen.subarray(0, length).equals(http2Preface.subarray(0, length));
    if (mayBeHttp2 && length < http2Preface.length) return;
    leave();
    socket.unshift(seen);
    if (mayBeHttp2) o.onHttp2(socket);
    else o.onHttp1(socket);
  }

  socket.on("readable", onReadable);
  socket.once("error", destroy);
  socket.once("end", destroy);
  socket.once("close", () => clearTimeout(timer));
}

function read(socket: Socket): Buffer | undefined {
  const chunk: unknown = socket.read();
  return Buffer.isBuffer(chunk) ? chunk : undefined;
}
