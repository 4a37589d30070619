import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, createRegistry } from "@bufbuild/protobuf";
import type { DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { readReason } from "#common/rpc/reason-error.ts";
import { readGuard } from "#common/rpc/read-guard.ts";
import { createReflectionIndex } from "#common/rpc/reflection-index.ts";
import { file_catapult_v1_operator_service, OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.js";
import { ExtensionRequestSchema, ServerReflection, type ServerReflectionRequest } from "#gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "#gen/grpc/reflection/v1alpha/reflection_pb.js";
import { bufCurl, protocols } from "#test/contract/buf-curl.ts";
import { eventually } from "#test/support/eventually.ts";
import { startTestServer, type TestServer } from "./start-test-server.ts";

const served = [
  "catapult.v1.OperatorService",
  "catapult.v1.WorkerService",
  "grpc.health.v1.Health",
  "grpc.reflection.v1.ServerReflection",
  "grpc.reflection.v1alpha.ServerReflection",
  "test.UnguardedService",
];

function connect<S extends DescService>(service: S, server: TestServer) {
  return createClient(service, createGrpcTransport({ baseUrl: server.url, nodeOptions: { ca: server.ca } }));
}

async function writeCa(server: TestServer): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "catapult-ca-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "ca.pem"), server.ca ?? "");
  return join(folder, "ca.pem");
}

async function* once<T>(...messages: T[]): AsyncIterable<T> {
  yield* messages;
}

describe("reflection", () => {
  it("lets buf curl list services and methods, over TLS, in each protocol, without a token", async () => {
    const server = await startTestServer({ tls: true });
    const ca = await writeCa(server);
    for (const protocol of protocols) {
      const services = await bufCurl(server.url, { ca, protocol, words: ["--list-services"] });
      expect([services.code, services.out.trim().split("\n")]).toEqual([0, served]);
    }
    const methods = await bufCurl(server.url, { ca, words: ["--list-methods"] });
    expect(methods.out.split("\n")).toContain("catapult.v1.OperatorService/DeleteEnvironment");
    expect(methods.out.split("\n")).toContain("catapult.v1.WorkerService/Build");
  });

  it("lets buf curl call without a schema, and the token is still asked for", async () => {
    const server = await startTestServer({ tls: true });
    const ca = await writeCa(server);
    const url = `${server.url}/catapult.v1.OperatorService/ListEnvironments`;
    for (const protocol of protocols) {
      expect(await bufCurl(url, { ca, protocol, token: "cat_read", data: {} })).toMatchObject({ code: 0, out: "{}\n" });
      const refused = await bufCurl(url, { ca, protocol, data: {} });
      expect([refused.code, refused.err]).toEqual([Code.Unauthenticated << 3, expect.stringContaining("unauthenticated")]);
    }
    expect(server.handled).toHaveLength(protocols.length);
  });

  it("answers in v1 and v1alpha alike: files with all that they import, symbols, extensions, and what is not there", async () => {
    const server = await startTestServer({ tls: true });
    for (const service of [ServerReflection, ServerReflectionAlpha]) {
      const client = connect(service, server);
      const ask = async (messageRequest: ServerReflectionRequest["messageRequest"]) => {
        const answers = [];
        for await (const answer of client.serverReflectionInfo(once({ host: "h", messageRequest }))) answers.push(answer);
        expect(answers).toHaveLength(1);
        expect(answers[0]).toMatchObject({ validHost: "h", originalRequest: { messageRequest: { case: messageRequest.case } } });
        return answers[0]!.messageResponse;
      };
      const files = { case: "fileDescriptorResponse", value: { fileDescriptorProto: expect.any(Array) as unknown } };
      for (const symbol of [
        "catapult.v1.OperatorService",
        "catapult.v1.OperatorService.Approve",
        "catapult.v1.Environment",
        "catapult.v1.Environment.name",
        "catapult.v1.FORKS_ON",
        "buf.validate.FieldRules",
        ".google.protobuf.Timestamp",
      ]) {
        expect({ symbol, ...(await ask({ case: "fileContainingSymbol", value: symbol })) }).toMatchObject({ symbol, ...files });
      }
      const file = await ask({ case: "fileByFilename", value: "catapult/v1/operator_service.proto" });
      expect(file).toMatchObject(files);
      const containingType = "google.protobuf.MethodOptions";
      const askExtension = async (extensionNumber: number) => {
        const value = create(ExtensionRequestSchema, { containingType, extensionNumber });
        return ask({ case: "fileContainingExtension", value });
      };
      const numbers = await ask({ case: "allExtensionNumbersOfType", value: containingType });
      const known = numbers.case === "allExtensionNumbersResponse" ? numbers.value.extensionNumber : [];
      expect(known.length).toBeGreaterThan(0);
      for (const number of known) expect(await askExtension(number)).toMatchObject(files);
      const missing = { case: "errorResponse", value: { errorCode: Code.NotFound } };
      expect(await ask({ case: "fileContainingSymbol", value: "catapult.v1.CentralService" })).toMatchObject(missing);
      expect(await ask({ case: "fileByFilename", value: "etc/passwd" })).toMatchObject(missing);
      expect(await askExtension(7)).toMatchObject(missing);
      expect(await ask({ case: undefined })).toMatchObject({ case: "errorResponse", value: { errorCode: Code.InvalidArgument } });
    }
  });

  it("gives files that are whole: each import is among them", () => {
    const index = createReflectionIndex([OperatorService]);
    const files = index.findFile("catapult/v1/operator_service.proto");
    const names = [...createRegistry(file_catapult_v1_operator_service)].map((type) => type.file.proto.name);
    expect(new Set(names).size).toBeGreaterThan(0);
    // Itself, deployment, guard, validate, descriptor, duration, timestamp, field_mask.
    expect(files).toHaveLength(8);
    expect(index.findSymbol("catapult.v1.CentralService")).toBeUndefined();
  });

  it("ends a stream that asks without end", async () => {
    const server = await startTestServer({ tls: true });
    const question = { messageRequest: { case: "fileByFilename" as const, value: "none" } };
    async function* ask() {
      for (;;) yield question;
    }
    let answers = 0;
    const read = async () => {
      for await (const _ of connect(ServerReflection, server).serverReflectionInfo(ask())) answers += 1;
    };
    const error = await read().catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.ResourceExhausted });
    expect(error instanceof ConnectError && readReason(error)).toBe("too_many_questions");
    expect(answers).toBe(10_000);
  });

  it("ends its streams when the server stops, instead of holding it up", async () => {
    const server = await startTestServer({ tls: true });
    let ended = false;
    const gate = Promise.withResolvers<void>();
    async function* open() {
      yield { messageRequest: { case: "listServices" as const, value: "" } };
      await gate.promise;
    }
    const stream = connect(ServerReflection, server).serverReflectionInfo(open());
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    const rest = iterator.next().then(
      () => (ended = true),
      () => (ended = true),
    );
    await server.stop(60_000);
    await rest;
    expect(ended).toBe(true);
    gate.resolve();
  });
});

describe("health", () => {
  it("is open to all and tells readiness, for the server and for each service", async () => {
    let ready = true;
    const server = await startTestServer({ tls: true, isReady: () => Promise.resolve(ready) });
    const client = connect(Health, server);
    for (const service of ["", ...served.slice(0, 3)]) {
      expect(await client.check({ service })).toMatchObject({ status: Status.SERVING });
    }
    const { statuses } = await client.list({});
    expect(Object.keys(statuses)).toEqual(expect.arrayContaining(["", "catapult.v1.WorkerService"]));
    const unknown = await client.check({ service: "nobody.Service" }).catch((error: unknown) => ConnectError.from(error));
    expect(unknown).toMatchObject({ code: Code.NotFound });
    expect(unknown instanceof ConnectError && readReason(unknown)).toBe("service_not_found");
    ready = false;
    await eventually(async () => expect(await client.check({})).toMatchObject({ status: Status.NOT_SERVING }));
  });

  it("is not serving while readiness cannot be told", async () => {
    const server = await startTestServer({ tls: true, isReady: () => Promise.reject(new Error("no database")) });
    expect(await connect(Health, server).check({})).toMatchObject({ status: Status.NOT_SERVING });
  });

  it("streams each change, and the end when the server stops; an unknown service stays unknown", async () => {
    let ready = true;
    const server = await startTestServer({ tls: true, isReady: () => Promise.resolve(ready) });
    const client = connect(Health, server);
    const told: Status[] = [];
    const watch = (async () => {
      for await (const { status } of client.watch({})) told.push(status);
    })().catch((error: unknown) => ConnectError.from(error));
    await eventually(() => expect(told).toEqual([Status.SERVING]));
    ready = false;
    await eventually(() => expect(told).toEqual([Status.SERVING, Status.NOT_SERVING]));
    ready = true;
    await eventually(() => expect(told).toHaveLength(3));
    const unknown = client.watch({ service: "nobody.Service" })[Symbol.asyncIterator]();
    expect((await unknown.next()).value).toMatchObject({ status: Status.SERVICE_UNKNOWN });
    const rest = unknown.next().catch(() => undefined);
    await server.stop(60_000);
    await rest;
    await watch;
    expect(told).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING, Status.NOT_SERVING]);
  });

  it("answers buf curl in each protocol", async () => {
    const server = await startTestServer({ tls: true });
    const ca = await writeCa(server);
    for (const protocol of protocols) {
      const answer = await bufCurl(`${server.url}/grpc.health.v1.Health/Check`, { ca, protocol, data: {} });
      expect([answer.code, JSON.parse(answer.out)]).toEqual([0, { status: "SERVING" }]);
    }
  });
});

it("nothing is open but health and reflection", async () => {
  const server = await startTestServer();
  expect(server.url).toContain("http://");
  const guards = [Health, ServerReflection, ServerReflectionAlpha].flatMap((service) => service.methods.map(readGuard));
  expect(new Set(guards.map((guard) => guard.rule))).toEqual(new Set(["open"]));
  const own = OperatorService.methods.map((method) => readGuard(method).rule);
  expect(new Set(own)).toEqual(new Set(["token"]));
});
