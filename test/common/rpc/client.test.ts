import { createServer } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it, onTestFinished } from "vitest";
import { createBearerInterceptor } from "#common/rpc/bearer-interceptor.ts";
import { createServiceClient } from "#common/rpc/client.ts";
import { createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { centralSignatureHeader } from "#common/rpc/signature-header.ts";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { Outcome, WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { buildSample } from "./samples.ts";
import type { TestServer } from "./start-test-server.ts";
import { centralKey, startTestServer } from "./start-test-server.ts";

function createSignedClient(server: TestServer, o: { retries?: number; timeoutMs?: number } = {}) {
  const client = createServiceClient(WorkerService, {
    url: server.url,
    ...(server.ca === undefined ? {} : { ca: server.ca }),
    interceptors: [createSigningInterceptor({ header: centralSignatureHeader, recipient: "alpha", key: () => centralKey })],
    ...o,
  });
  onTestFinished(() => client.close());
  return client;
}

/** A Build that fails with `error` so many times before it accepts. */
function failTimes(times: number, error: () => Error) {
  let left = times;
  return () => (left-- > 0 ? Promise.reject(error()) : Promise.resolve({ outcome: Outcome.ACCEPTED }));
}

describe("a service client", () => {
  it("calls over HTTPS with the given CA, and not without it", async () => {
    const server = await startTestServer({ tls: true });
    expect((await createSignedClient(server).build(buildSample)).outcome).toBe(Outcome.ACCEPTED);
    await expect(createSignedClient({ ...server, ca: undefined }, { retries: 0 }).build(buildSample)).rejects.toThrow(
      /certificate/,
    );
    expect(server.handled).toHaveLength(1);
  });

  it("tries again after unavailable, each time with a fresh nonce", async () => {
    const server = await startTestServer({ build: failTimes(2, () => new ConnectError("busy", Code.Unavailable)) });
    expect((await createSignedClient(server).build(buildSample)).outcome).toBe(Outcome.ACCEPTED);
    expect(server.handled).toHaveLength(3);
    expect(server.refusals()).toEqual([]);
  });

  it("gives up after its retries, and at once on what is no outage", async () => {
    const server = await startTestServer({ build: failTimes(9, () => new ConnectError("busy", Code.Unavailable)) });
    await expect(createSignedClient(server, { retries: 1 }).build(buildSample)).rejects.toThrow(/\[unavailable\] busy/);
    expect(server.handled).toHaveLength(2);
    const refusing = await startTestServer({ build: failTimes(9, () => new ConnectError("no", Code.FailedPrecondition)) });
    await expect(createSignedClient(refusing).build(buildSample)).rejects.toThrow(/\[failed_precondition\] no/);
    expect(refusing.handled).toHaveLength(1);
  });

  it("tries again when a connection breaks", async () => {
    let connections = 0;
    const breaking = createServer((socket) => {
      connections++;
      socket.once("data", () => socket.resetAndDestroy());
    });
    onTestFinished(() => void breaking.close());
    await new Promise<void>((resolve) => breaking.listen(0, "127.0.0.1", resolve));
    const address = breaking.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const client = createServiceClient(WorkerService, { url: `http://127.0.0.1:${port}`, retries: 2 });
    await expect(client.build(buildSample)).rejects.toThrow(/ECONNRESET|hang up/);
    expect(connections).toBe(3);
  });

  it("ends a call after its time in all, retries and pauses included", async () => {
    const silent = await startTestServer({ build: () => new Promise(() => undefined) });
    await expect(createSignedClient(silent, { timeoutMs: 100 }).build(buildSample)).rejects.toThrow(/deadline_exceeded/);
    const down = await startTestServer({ build: failTimes(1e9, () => new ConnectError("down", Code.Unavailable)) });
    const call = createSignedClient(down, { timeoutMs: 500, retries: 1e9 }).build(buildSample);
    await expect(call).rejects.toThrow(/deadline_exceeded/);
  });

  it("sends a bearer token", async () => {
    const server = await startTestServer();
    const client = createServiceClient(OperatorService, { url: server.url, interceptors: [createBearerInterceptor("cat_read")] });
    onTestFinished(() => client.close());
    await client.listEnvironments({});
    expect(server.handled[0]?.caller).toEqual({ kind: "token", name: "reader", scope: "read" });
  });

  it("keeps its connection through hundreds of calls", async () => {
    const server = await startTestServer({ tls: true });
    const client = createSignedClient(server, { retries: 0 });
    for (let call = 0; call < 300; call++) await client.build(buildSample);
    expect(server.handled).toHaveLength(300);
  });

  it.each(["http://central.example.org", "ftp://127.0.0.1", "http://10.0.0.1:8080"])("refuses to send secrets to %s", (url) => {
    expect(() => createServiceClient(WorkerService, { url })).toThrow(/https/);
  });
});
