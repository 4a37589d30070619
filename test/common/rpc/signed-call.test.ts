import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { create, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { digestMessage } from "#common/rpc/digest-message.ts";
import { createSigningKey } from "#common/rpc/keys.ts";
import { readReason } from "#common/rpc/reason-error.ts";
import { signCall } from "#common/rpc/sign.ts";
import { centralSignatureHeader, createSigningInterceptor } from "#common/rpc/signing-interceptor.ts";
import { BuildRequestSchema, Outcome, WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { BadRequestSchema } from "#gen/google/rpc/error_details_pb.js";
import { buildSample, cleanupSample } from "./samples.ts";
import { sendRaw } from "./send-raw.ts";
import type { TestServer } from "./start-test-server.ts";
import { centralKey, startTestServer } from "./start-test-server.ts";

const message = create(BuildRequestSchema, buildSample);
const buildPath = "/catapult.v1.WorkerService/Build";
const unauthenticated = { reason: "unauthenticated", domain: "catapult" };
const answerToStrangers = {
  code: "unauthenticated",
  message: "the call carries no valid signature or token",
  details: [{ type: "google.rpc.ErrorInfo", debug: unauthenticated, value: "Cg91bmF1dGhlbnRpY2F0ZWQSCGNhdGFwdWx0" }],
};

function sign(o: { method?: string; recipient?: string; key?: typeof centralKey; now?: Date; nonce?: string } = {}): string {
  return signCall({
    method: o.method ?? buildPath,
    recipient: o.recipient ?? "alpha",
    digest: digestMessage(BuildRequestSchema, message),
    key: o.key ?? centralKey,
    now: o.now ?? new Date(),
    ...(o.nonce === undefined ? {} : { nonce: o.nonce }),
  });
}

/** Posts a Build as JSON with a signature of one's choice, and reads the answer. */
async function postBuild(
  server: TestServer,
  signature: string | string[] | undefined,
  body = toJsonString(BuildRequestSchema, message),
) {
  const answer = await sendRaw({
    url: server.url + buildPath,
    ca: server.ca,
    headers: { "Content-Type": "application/json", ...(signature === undefined ? {} : { [centralSignatureHeader]: signature }) },
    body,
  });
  const parsed: unknown = JSON.parse(answer.body);
  return { status: answer.status, body: parsed };
}

function createTransports(
  server: TestServer,
  options: { useBinaryFormat: boolean; compress: boolean; unsigned?: boolean },
): Record<string, Transport> {
  const ca = server.ca === undefined ? {} : { ca: server.ca };
  const common = {
    baseUrl: server.url,
    useBinaryFormat: options.useBinaryFormat,
    ...(options.compress ? { sendCompression: compressionGzip, compressMinBytes: 0 } : {}),
    interceptors: options.unsigned
      ? []
      : [createSigningInterceptor({ header: centralSignatureHeader, recipient: "alpha", key: () => centralKey })],
  };
  const sessionManager = new Http2SessionManager(server.url, undefined, ca);
  onTestFinished(() => sessionManager.abort());
  return {
    "Connect over HTTP/1.1": createConnectTransport({ ...common, httpVersion: "1.1", nodeOptions: ca }),
    "Connect over HTTP/2": createConnectTransport({ ...common, httpVersion: "2", sessionManager }),
    gRPC: createGrpcTransport({ ...common, sessionManager }),
    "gRPC-Web over HTTP/1.1": createGrpcWebTransport({ ...common, httpVersion: "1.1", nodeOptions: ca }),
    "gRPC-Web over HTTP/2": createGrpcWebTransport({ ...common, httpVersion: "2", sessionManager }),
  };
}

describe.each([{ tls: true }, { tls: false }])("a signed call with tls $tls", ({ tls }) => {
  it("reaches the handler as Central's over every protocol, in JSON and binary, compressed or not", async () => {
    const server = await startTestServer({ tls });
    let calls = 0;
    for (const options of [true, false].flatMap((a) => [true, false].map((b) => ({ useBinaryFormat: a, compress: b })))) {
      for (const [name, transport] of Object.entries(createTransports(server, options))) {
        const client = createClient(WorkerService, transport);
        expect({ name, ...(await client.build(buildSample)) }).toMatchObject({ name, outcome: Outcome.ACCEPTED });
        expect({ name, ...(await client.cleanup(cleanupSample)) }).toMatchObject({ name, outcome: Outcome.ALREADY_DONE });
        calls += 2;
      }
    }
    expect(server.handled).toHaveLength(calls);
    expect(server.handled.every(({ caller }) => caller?.kind === "central")).toBe(true);
    expect(server.refusals()).toEqual([]);
  });

  it("is refused without a signature over every protocol, before the handler", async () => {
    const server = await startTestServer({ tls });
    for (const useBinaryFormat of [true, false]) {
      for (const [name, transport] of Object.entries(
        createTransports(server, { useBinaryFormat, compress: false, unsigned: true }),
      )) {
        const error = await createClient(WorkerService, transport)
          .build(buildSample)
          .catch((thrown: unknown) => ConnectError.from(thrown));
        expect({ name, error }).toMatchObject({
          name,
          error: { code: Code.Unauthenticated, rawMessage: answerToStrangers.message },
        });
      }
    }
    const answer = await postBuild(server, undefined);
    expect(answer).toEqual({ status: 401, body: answerToStrangers });
    expect(server.refusals()).toEqual(Array.from({ length: 11 }, () => "signature_missing"));
    expect(server.handled).toEqual([]);
  });
});

describe("a call that is not properly signed", () => {
  const now = Date.now();
  const at = (seconds: number) => new Date(now + seconds * 1000);
  const other = createSigningKey(centralKey.kid);
  const valid = () => sign({ now: at(0) });

  it.each<{ what: string; signature: () => string | string[]; reason: string }>([
    { what: "input 46 for another worker", signature: () => sign({ now: at(0), recipient: "beta" }), reason: "signature_wrong" },
    {
      what: "input 47 for another method",
      signature: () => sign({ now: at(0), method: "/catapult.v1.WorkerService/Cleanup" }),
      reason: "signature_wrong",
    },
    { what: "by another key of the same name", signature: () => sign({ now: at(0), key: other }), reason: "signature_wrong" },
    {
      what: "input 49 by an unknown key",
      signature: () => sign({ now: at(0), key: { ...centralKey, kid: "nobody" } }),
      reason: "signature_key_unknown",
    },
    { what: "301 s ago", signature: () => sign({ now: at(-301) }), reason: "signature_stale" },
    { what: "301 s ahead", signature: () => sign({ now: at(302) }), reason: "signature_stale" },
    { what: "input 45 in milliseconds", signature: () => valid().replace(/ts=(\d+)/, "ts=$1000"), reason: "signature_malformed" },
    { what: "input 45 without a time", signature: () => valid().replace(/ts=\d+;/, ""), reason: "signature_malformed" },
    { what: "input 45 with an empty time", signature: () => valid().replace(/ts=\d+/, "ts="), reason: "signature_malformed" },
    {
      what: "input 45 with NaN as its time",
      signature: () => valid().replace(/ts=\d+/, "ts=NaN"),
      reason: "signature_malformed",
    },
    {
      what: "with a time moved by a second",
      signature: () => valid().replace(/ts=\d+/, `ts=${Math.floor(now / 1000) + 1}`),
      reason: "signature_wrong",
    },
    { what: "input 49 with an unknown version", signature: () => valid().replace("v1;", "v2;"), reason: "signature_malformed" },
    { what: "with two headers", signature: () => [valid(), valid()], reason: "signature_malformed" },
    { what: "with an empty header", signature: () => "", reason: "signature_missing" },
    { what: "with a header over 512 bytes", signature: () => `${valid()};${"x".repeat(512)}`, reason: "signature_malformed" },
    {
      what: "input 48 with another digest",
      signature: () => valid().replace(/digest=[0-9a-f]{64}/, `digest=${"0".repeat(64)}`),
      reason: "signature_wrong",
    },
  ])("$what: a call that is signed so is refused", async ({ signature, reason }) => {
    const server = await startTestServer({ clock: () => at(0) });
    expect(await postBuild(server, signature())).toEqual({ status: 401, body: answerToStrangers });
    expect(server.refusals()).toEqual([reason]);
    expect(server.handled).toEqual([]);
  });

  it.each([-300, 300])("is let in at the window's edge of %d s", async (seconds) => {
    const onTheSecond = new Date(Math.floor(now / 1000) * 1000);
    const server = await startTestServer({ clock: () => onTheSecond });
    const answer = await postBuild(server, sign({ now: new Date(onTheSecond.getTime() + seconds * 1000) }));
    expect(answer).toEqual({ status: 200, body: { outcome: "OUTCOME_ACCEPTED" } });
  });

  it("is refused the second time: a nonce counts once, also with another time", async () => {
    const server = await startTestServer();
    const signature = sign();
    expect((await postBuild(server, signature)).status).toBe(200);
    expect(await postBuild(server, signature)).toEqual({ status: 401, body: answerToStrangers });
    const nonce = /nonce=([^;]+)/.exec(signature)![1]!;
    const again = await postBuild(server, sign({ nonce, now: new Date(Date.now() - 5000) }));
    expect(again).toEqual({ status: 401, body: answerToStrangers });
    expect(server.refusals()).toEqual(["signature_replayed", "signature_replayed"]);
    expect(server.handled).toHaveLength(1);
  });

  it("input 48 is refused when its body was altered, with the same answer", async () => {
    const server = await startTestServer();
    const altered = toJsonString(BuildRequestSchema, create(BuildRequestSchema, { ...buildSample, commit: "f".repeat(40) }));
    expect(await postBuild(server, sign(), altered)).toEqual({ status: 401, body: answerToStrangers });
    expect(server.refusals()).toEqual(["signature_digest_differs"]);
    expect(server.handled).toEqual([]);
  });

  it("input 48 is refused when its body got a field that nobody signed", async () => {
    const server = await startTestServer();
    const json = toJsonString(BuildRequestSchema, message).replace("{", '{"extra":1,');
    expect((await postBuild(server, sign(), json)).body).toMatchObject({ code: "invalid_argument" });
    const answer = await sendRaw({
      url: server.url + buildPath,
      headers: { "Content-Type": "application/proto", [centralSignatureHeader]: sign() },
      body: Buffer.concat([toBinary(BuildRequestSchema, message), Buffer.from([0xa0, 0x38, 0x01])]),
    });
    expect(answer.status).toBe(401);
    expect(server.handled).toEqual([]);
  });

  it("input 50 is refused as GET, and with a body that unpacks beyond the limit", async () => {
    const server = await startTestServer({ maxMessageBytes: 100_000 });
    const get = await sendRaw({
      url: `${server.url}${buildPath}?connect=v1&encoding=json&message=%7B%7D`,
      method: "GET",
      headers: { [centralSignatureHeader]: sign() },
      body: "",
    });
    expect(get.status).toBe(405);
    const bomb = await sendRaw({
      url: server.url + buildPath,
      headers: { "Content-Type": "application/proto", "Content-Encoding": "gzip", [centralSignatureHeader]: sign() },
      body: gzipSync(Buffer.alloc(20_000_000)),
    });
    expect(JSON.parse(bomb.body)).toMatchObject({ code: "resource_exhausted" });
    const large = await sendRaw({
      url: server.url + buildPath,
      headers: { "Content-Type": "application/proto", [centralSignatureHeader]: sign() },
      body: randomBytes(200_000),
    });
    expect(JSON.parse(large.body)).toMatchObject({ code: "resource_exhausted" });
    expect(server.handled).toEqual([]);
  });

  it("is validated only after its signature: the error names the field", async () => {
    const server = await startTestServer();
    const transport = createTransports(server, { useBinaryFormat: true, compress: false })["Connect over HTTP/1.1"]!;
    const error = await createClient(WorkerService, transport)
      .build({ ...buildSample, host: "UPPER.example.org" })
      .catch((thrown: unknown) => ConnectError.from(thrown));
    if (!(error instanceof ConnectError)) throw new Error("it was not refused");
    expect(error).toMatchObject({ code: Code.InvalidArgument, rawMessage: expect.stringContaining("host") });
    expect(readReason(error)).toBe("invalid_field");
    // What a client reads that knows nothing of protovalidate.
    expect(error.findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([{ field: "host" }]);
    expect(await postBuild(server, undefined, "{}")).toEqual({ status: 401, body: answerToStrangers });
    expect(server.handled).toEqual([]);
  });

  it("leaves no signature in the log", async () => {
    const server = await startTestServer();
    const signature = sign({ recipient: "beta" });
    await postBuild(server, signature);
    expect(server.logText()).not.toContain(/sig=(.+)$/.exec(signature)![1]);
  });

  it("gets unavailable, not a refusal, when the keys cannot be looked up", async () => {
    const server = await startTestServer({ findKey: () => Promise.reject(new Error("no database")) });
    const transport = createTransports(server, { useBinaryFormat: true, compress: false })["Connect over HTTP/1.1"]!;
    const error = await createClient(WorkerService, transport)
      .build(buildSample)
      .catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.Unavailable });
    expect(error instanceof ConnectError && readReason(error)).toBe("unavailable");
    expect(JSON.stringify(server.lines())).toContain("no database");
  });
});
