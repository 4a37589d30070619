import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

let target: { port: number; received: string[]; stop(): void };
let proxy: TcpProxy;

/** Answers each piece in upper case. */
beforeEach(async () => {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received.push(String(chunk));
      socket.write(String(chunk).toUpperCase());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  target = { port: address.port, received, stop: () => (server.close(), sockets.forEach((one) => one.destroy())) };
  proxy = await startTcpProxy({ target: { host: "127.0.0.1", port: target.port } });
});

afterEach(async () => {
  await proxy.stop();
  target.stop();
});

async function open(): Promise<Socket> {
  const socket = connect(proxy.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  await new Promise((resolve) => socket.once("close", resolve));
}

async function ask(socket: Socket, words: string): Promise<string> {
  socket.write(words);
  return String((await once(socket, "data"))[0]);
}

/** How the connection ended: by a reset, or in order with what came before. */
async function ending(socket: Socket): Promise<string> {
  return text(socket).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
}

test("it carries both directions, and an end of one side to the other", async () => {
  const socket = await open();
  expect(await ask(socket, "hello")).toBe("HELLO");
  expect(proxy.count()).toBe(1);
  socket.end();
  await closed(socket);
  expect(proxy.count()).toBe(0);
});

test("reset ends the open connections and every new one, until it is healed", async () => {
  const before = await open();
  expect(await ask(before, "a")).toBe("A");
  proxy.set({ reset: true });
  expect(await ending(before)).toBe("ECONNRESET");
  const meanwhile = connect(proxy.port, "127.0.0.1");
  expect(await ending(meanwhile)).toBe("ECONNRESET");
  proxy.set({});
  expect(await ask(await open(), "b")).toBe("B");
  expect(target.received).toEqual(["a", "b"]);
});

test("a blackhole lets nothing through and ends nothing; healed, what was sent arrives", async () => {
  const socket = await open();
  expect(await ask(socket, "a")).toBe("A");
  proxy.set({ blackhole: true });
  const answer = once(socket, "data");
  socket.write("b");
  await sleep(200);
  expect(target.received).toEqual(["a"]);
  proxy.set({});
  expect(String((await answer)[0])).toBe("B");
});

test("an answer is cut after so many bytes, and a request as well", async () => {
  proxy.set({ cutAfterBytes: 3 });
  const answered = await open();
  const pieces: string[] = [];
  answered.on("data", (chunk) => pieces.push(String(chunk)));
  answered.write("hello");
  await closed(answered);
  expect(pieces.join("")).toBe("HEL");
  proxy.set({ cutAfterBytes: 0 });
  const lost = await open();
  lost.write("lost");
  expect(await ending(lost)).toBe("ECONNRESET");
  proxy.set({ cutRequestAfterBytes: 2 });
  const asking = await open();
  asking.write("xyz");
  await closed(asking);
  expect(target.received).toEqual(["hello", "lost", "xy"]);
});

test("latency holds each piece in both directions", async () => {
  const socket = await open();
  expect(await ask(socket, "a")).toBe("A");
  proxy.set({ latencyMs: 100 });
  const began = performance.now();
  expect(await ask(socket, "b")).toBe("B");
  expect(performance.now() - began).toBeGreaterThanOrEqual(195);
});
