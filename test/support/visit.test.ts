import { createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { AnswerCut, visit, visitOnce } from "./visit.ts";

let stop: () => void = () => {};
afterEach(() => stop());

/** Treats the n-th connection as the n-th of these says, and later ones as the last. */
async function serve(...treatments: ((socket: Socket) => void)[]): Promise<{ port: number; connections(): number }> {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    const treat = treatments[Math.min(connections++, treatments.length - 1)]!;
    socket.once("data", () => treat(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stop = () => server.close();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, connections: () => connections };
}

const reset = (socket: Socket) => void socket.resetAndDestroy();
const answer = (socket: Socket) => void socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
const half = (socket: Socket) => {
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
  setTimeout(() => socket.resetAndDestroy(), 50);
};

test("a request that was reset before any byte of an answer is made again, one that was cut in its answer is not", async () => {
  const twice = await serve(reset, reset, answer);
  expect(await visit(twice.port, "a.localhost")).toMatchObject({ status: 200, body: "ok" });
  expect(twice.connections()).toBe(3);
  stop();
  const cut = await serve(half, answer);
  await expect(visit(cut.port, "a.localhost")).rejects.toThrow(AnswerCut);
  expect(cut.connections()).toBe(1);
  stop();
  const always = await serve(reset);
  await expect(visit(always.port, "a.localhost")).rejects.toThrow("ECONNRESET");
  expect(always.connections()).toBe(5);
});

test("visitOnce hides no reset", async () => {
  const once = await serve(reset, answer);
  await expect(visitOnce(once.port, "a.localhost")).rejects.toThrow("ECONNRESET");
  expect(once.connections()).toBe(1);
});
