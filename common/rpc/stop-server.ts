import type { Server } from "node:http";
import type { ServerHttp2Session } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { Code } from "@connectrpc/connect";
import type { Front } from "./front.ts";
import { reasonError } from "./reason-error.ts";
import type { Traffic } from "./request-listener.ts";

const answerMs = 500;
const closeMs = 250;
const pollMs = 10;

/**
 * Stops in an order that neither hangs nor loses an answer: no new connection; GOAWAY to each HTTP/2 session, since closing the server alone
 * waits for them and goes on serving new calls on them; running calls have `graceMs`; then their signal aborts with unavailable and they have
 * a moment to say so; what is still open is destroyed.
 */
export async function stopServer(o: {
  front: Front;
  http1: Server;
  sessions: ReadonlySet<ServerHttp2Session>;
  traffic: Traffic;
  shutdown: AbortController;
  graceMs: number;
}): Promise<void> {
  const { front, http1, sessions, traffic, shutdown } = o;
  traffic.stopping = true;
  const closed = new Promise<void>((resolve) => front.server.close(() => resolve()));
  // Not listening, it only ends its timers and its idle connections.
  http1.close();
  for (const session of sessions) session.close();
  // The answers under way are the last on their kept-alive connections.
  for (const response of traffic.running) {
    if (!response.headersSent && !("stream" in response)) response.setHeader("Connection", "close");
  }

  const idle = () => traffic.running.size === 0;
  if (!(await waitUntil(idle, o.graceMs))) {
    shutdown.abort(reasonError(Code.Unavailable, "unavailable", "the server is stopping, try again"));
    await waitUntil(idle, answerMs);
  }
  http1.closeIdleConnections();
  let done = false;
  void closed.then(() => (done = true));
  await waitUntil(() => done, closeMs);
  front.destroySockets();
  await closed;
}

async function waitUntil(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (performance.now() >= deadline) return false;
    await sleep(pollMs);
  }
  return true;
}
