import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { connect as connectHttp2, constants } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { readReason } from "#common/rpc/reason-error.ts";
import { createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { centralSignatureHeader } from "#common/rpc/signature-header.ts";
import { startRpcServer } from "#common/rpc/server.ts";
import { WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { eventually } from "#test/support/eventually.ts";
import { createLogCollector } from "./log-collector.ts";
import { buildSample } from "./samples.ts";
import { sendRaw } from "./send-raw.ts";
import type { TestServer } from "./start-test-server.ts";
import { centralKey, startTestServer } from "./start-test-server.ts";

const buildPath = "/catapult.v1.WorkerService/Build";
const json = { "Content-Type": "application/json" };

function createSignedClient(server: TestServer) {
  const sessionManager = new Http2SessionManager(server.url, undefined, server.ca === undefined ? {} : { ca: server.ca });
  onTestFinished(() => sessionManager.abort());
  const interceptors = [createSigningInterceptor({ header: centralSignatureHeader, recipient: "alpha", key: () => centralKey })];
  return createClient(
    WorkerService,
    createConnectTransport({ httpVersion: "2", baseUrl: server.url, sessionManager, interceptors }),
  );
}

/** Writes bytes to the server's port and reads until it closes the connection. */
function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  return readAnswer(socket, bytes);
}

/** Sends body bytes as long as the server takes them; how many it took until the connection ended. */
async function flood(socket: Socket): Promise<number> {
  const piece = Buffer.alloc(64 * 1024);
  socket.on("error", () => undefined);
  while (!socket.destroyed && socket.bytesWritten < 500_000_000) {
    if (!socket.write(piece)) await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => undefined);
  }
  return socket.bytesWritten - socket.writableLength;
}

describe("a server", () => {
  it("answers 400 to an RPC without a Host, and lives", async () => {
    const server = await startTestServer();
    const withoutHost = `POST ${buildPath} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    expect(await exchange(server.port, withoutHost)).toMatch(/^HTTP\/1\.1 400 /);
    const badHost = `POST ${buildPath} HTTP/1.1\r\nHost: [\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    expect(await exchange(server.port, badHost)).toMatch(/^HTTP\/1\.1 400 /);
    expect((await sendRaw({ url: server.url + buildPath, headers: json, body: "{}" })).status).toBe(401);
  });

  it("serves plain paths by its http callback and 404 for the rest, on HTTP/1.1 and HTTP/2", async () => {
    const server = await startTestServer({
      tls: true,
      http(request, response) {
        if (request.url === "/broken") return Promise.reject(new Error("broken inside"));
        if (request.url !== "/healthz") return Promise.resolve(false);
        response.end("ok");
        return Promise.resolve(true);
      },
    });
    const get = (path: string) => sendRaw({ url: server.url + path, ca: server.ca, method: "GET", headers: {}, body: "" });
    expect(await get("/healthz")).toMatchObject({ status: 200, body: "ok" });
    expect((await get("/catapult.v1.WorkerService/Nothing")).status).toBe(404);
    expect(await get("/broken")).toMatchObject({ status: 500, body: "internal error\n" });
    expect(JSON.stringify(server.lines())).toContain("broken inside");

    const session = connectHttp2(server.url, { ca: server.ca });
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":path": "/healthz" });
    const [headers] = await once(stream, "response");
    expect(headers).toMatchObject({ ":status": 200 });
  });

  it("refuses a method without a guard, and one whose guard it does not check", async () => {
    const server = await startTestServer();
    const answer = await sendRaw({ url: `${server.url}/test.UnguardedService/Do`, headers: json, body: "{}" });
    expect(answer.status).toBe(401);
    expect(server.refusals()).toEqual(["no_guard"]);

    const { log, lines } = createLogCollector();
    const plain = await startRpcServer({
      listen: { host: "127.0.0.1", port: 0 },
      tls: "off",
      routes: (router) => void router.service(WorkerService, {}),
      log,
    });
    onTestFinished(() => plain.stop(0));
    expect((await sendRaw({ url: plain.url + buildPath, headers: json, body: "{}" })).status).toBe(401);
    expect(lines().map((line) => line["reason"])).toEqual(["guard_not_served"]);
    expect(server.handled).toEqual([]);
  });

  it.each([
    { method: "ListEnvironments", authorization: undefined, status: 401, caller: undefined },
    { method: "ListEnvironments", authorization: "Bearer cat_nobody", status: 401, caller: undefined },
    { method: "ListEnvironments", authorization: "Basic cat_read", status: 401, caller: undefined },
    {
      method: "ListEnvironments",
      authorization: "Bearer cat_read",
      status: 200,
      caller: { kind: "token", name: "reader", scope: "read" },
    },
    {
      method: "ListEnvironments",
      authorization: "Bearer cat_write",
      status: 200,
      caller: { kind: "token", name: "writer", scope: "write" },
    },
    { method: "DeleteEnvironment", authorization: "Bearer cat_read", status: 403, caller: undefined },
    {
      method: "DeleteEnvironment",
      authorization: "Bearer cat_write",
      status: 200,
      caller: { kind: "token", name: "writer", scope: "write" },
    },
  ])("answers $status to $method with $authorization", async ({ method, authorization, status, caller }) => {
    const server = await startTestServer();
    const answer = await sendRaw({
      url: `${server.url}/catapult.v1.OperatorService/${method}`,
      headers: { ...json, ...(authorization === undefined ? {} : { Authorization: authorization }) },
      body: method === "DeleteEnvironment" ? '{"name":"x"}' : "{}",
    });
    expect(answer.status).toBe(status);
    expect(server.handled.map((call) => call.caller)).toEqual(caller === undefined ? [] : [caller]);
    expect(server.logText()).not.toContain("cat_");
  });

  it("shows clients nothing of an internal error and logs its cause", async () => {
    const server = await startTestServer({
      build: () => Promise.reject(new Error("disk on fire", { cause: new Error("at shelf 7") })),
    });
    const error = await createSignedClient(server)
      .build(buildSample)
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.Internal, message: "[internal] internal error" });
    expect(error instanceof ConnectError && readReason(error)).toBe("internal");
    const failed = server.lines().find(({ msg }) => msg === "an RPC failed");
    expect(failed).toMatchObject({ level: "error", rpc: buildPath, caller: { kind: "central" } });
    expect(JSON.stringify(failed)).toMatch(/disk on fire.*at shelf 7/);
  });

  it.each([buildPath, "/refused"])(
    "does not swallow the body it refused at %s: the answer comes, then the connection ends",
    async (path) => {
      const bytesRead = Promise.withResolvers<number>();
      // The count is had where a callback sees the socket.
      if (path === buildPath) bytesRead.resolve(0);
      const server = await startTestServer({
        http(request, response) {
          const { socket } = request;
          socket.once("close", () => bytesRead.resolve(socket.bytesRead));
          response.statusCode = 401;
          response.end("no");
          return Promise.resolve(true);
        },
      });
      const socket = connect(server.port, "127.0.0.1");
      let answer = "";
      socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
      socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/proto\r\nContent-Length: 1000000000\r\n\r\n`);
      // What the client could send is what the kernel's buffers hold on both sides, far from the whole.
      expect(await flood(socket)).toBeLessThan(50_000_000);
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
      expect(await bytesRead.promise).toBeLessThan(1_000_000);
    },
  );

  it("keeps the connection of a refused call whose small body did arrive", async () => {
    const server = await startTestServer();
    const call = `POST ${buildPath} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
    const socket = connect(server.port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let answers = "";
    socket.on("data", (chunk: Buffer) => (answers += chunk.toString()));
    socket.write(call);
    // Three, as Node parses what follows the first bytes in another way than these, and decides after the body is there or before.
    for (const count of [1, 2, 3]) {
      await eventually(() => expect(answers.match(/HTTP\/1\.1 401/g)).toHaveLength(count));
      await sleep(300);
      if (count < 3) socket.write(call);
    }
    expect(socket.readableEnded).toBe(false);
  });

  it("closes the stream of a refused call on HTTP/2 and keeps the session", async () => {
    const server = await startTestServer();
    const session = connectHttp2(server.url);
    onTestFinished(() => session.destroy());
    const stream = session.request({ ":method": "POST", ":path": buildPath, "content-type": "application/proto" });
    stream.on("error", () => undefined);
    stream.write(Buffer.alloc(1_000_000));
    const [headers] = await once(stream, "response");
    expect(headers).toMatchObject({ ":status": 401 });
    stream.resume();
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
    expect(session.closed).toBe(false);
  });

  it("listens without TLS on loopback addresses only", async () => {
    const { log } = createLogCollector();
    const start = (host: string) => startRpcServer({ listen: { host, port: 0 }, tls: "off", routes: () => undefined, log });
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "127.0.0.1.example.org", "example.org"]) {
      await expect(start(host)).rejects.toThrow(/loopback/);
    }
    const server = await start("127.0.0.1");
    await server.stop();
  });

  it("rejects when its port is taken", async () => {
    const server = await startTestServer();
    const { log } = createLogCollector();
    const second = startRpcServer({ listen: { host: "127.0.0.1", port: server.port }, tls: "off", routes: () => undefined, log });
    await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("refuses a client's timeout above its limit", async () => {
    const server = await startTestServer();
    const call = createSignedClient(server).build(buildSample, { timeoutMs: 3_600_000 });
    await expect(call).rejects.toThrow(/invalid_argument/);
    expect(server.handled).toEqual([]);
  });
});

describe.each([{ tls: true }, { tls: false }])("stopping, with tls $tls", ({ tls }) => {
  it("lets a running call finish, serves no new one, and is not held up by open sessions", async () => {
    const release = Promise.withResolvers<void>();
    const server = await startTestServer({
      tls,
      async build() {
        await release.promise;
        return {};
      },
    });
    const idle = connectHttp2(server.url, { ca: server.ca });
    onTestFinished(() => idle.destroy());
    await once(idle, "connect");
    const busy = connectHttp2(server.url, { ca: server.ca });
    busy.on("error", () => undefined);
    onTestFinished(() => busy.destroy());
    await once(busy, "connect");
    const fresh = await connectHttp1(server);
    const running = createSignedClient(server).build(buildSample);
    await eventually(() => expect(server.handled).toHaveLength(1));

    const stopped = server.stop(30_000);
    await Promise.all([idle.closed ? undefined : once(idle, "goaway"), expect(startOnOldSession(busy)).resolves.not.toBe(200)]);
    await expect(createSignedClient(server).build(buildSample)).rejects.toThrow(/ECONNREFUSED/);
    expect(await readAnswer(fresh, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(/^$|^HTTP\/1\.1 503 /);
    release.resolve();
    await expect(running).resolves.toBeDefined();
    await stopped;
    expect(server.handled).toHaveLength(1);
  });

  it("tells a call that outlasts the grace, and ends", async () => {
    const aborted = Promise.withResolvers<unknown>();
    const server = await startTestServer({
      tls,
      async build(_request, context) {
        context.signal.addEventListener("abort", () => aborted.resolve(context.signal.reason));
        await new Promise(() => undefined);
        return {};
      },
    });
    const running = createSignedClient(server).build(buildSample);
    const failure = running.catch((error: unknown) => ConnectError.from(error).code);
    await eventually(() => expect(server.handled).toHaveLength(1));
    await server.stop(50);
    expect(String(await aborted.promise)).toMatch(/\[unavailable\] the server is stopping/);
    expect([Code.Unavailable, Code.Aborted, Code.Canceled]).toContain(await failure);
  });
});

/** A connection that has not said anything yet. */
async function connectHttp1(server: TestServer): Promise<Socket> {
  const socket =
    server.ca === undefined
      ? connect(server.port, "127.0.0.1")
      : connectTls({ port: server.port, host: "127.0.0.1", ca: server.ca, ALPNProtocols: ["http/1.1"] });
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, server.ca === undefined ? "connect" : "secureConnect");
  return socket;
}

/** Says something and reads until the server ends the connection. */
async function readAnswer(socket: Socket, request: string): Promise<string> {
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
  socket.write(request);
  if (!socket.destroyed) await once(socket, "close");
  return answer;
}

/** Tries a call on a session that was open before the stop: the status, or what came instead. */
function startOnOldSession(session: ReturnType<typeof connectHttp2>): Promise<unknown> {
  return new Promise((resolve) => {
    try {
      const stream = session.request({ ":path": "/healthz" });
      stream.once("response", (headers) => resolve(headers[":status"]));
      stream.once("error", resolve);
      stream.once("close", () => resolve("closed"));
      session.once("close", () => resolve("closed"));
    } catch (error) {
      resolve(error);
    }
  });
}
