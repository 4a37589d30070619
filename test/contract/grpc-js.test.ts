import { Client, credentials, Metadata, status, type MethodDefinition } from "@grpc/grpc-js";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { GrpcReflection } from "grpc-js-reflection-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { operatorCalls } from "./operator-calls.ts";
import { prepareRound } from "./prepare-round.ts";
import { startSecureCentral, type SecureCentral } from "./start-secure-central.ts";

let server: SecureCentral;
beforeAll(async () => {
  server = await startSecureCentral();
});
afterAll(async () => server?.stop());

const service = "catapult.v1.OperatorService";

/** A client that knows the address and the service's name, and learns all else by reflection. */
async function connect(version: string) {
  const secure = credentials.createSsl(Buffer.from(server.ca));
  const address = new URL(server.url).host;
  const reflection = new GrpcReflection(address, secure, {}, version);
  const services = await reflection.listServices();
  const descriptor = await reflection.getDescriptorBySymbol(service);
  const definition = descriptor.getPackageDefinition({ longs: String, enums: String, defaults: true })[service];
  const client = new Client(address, secure);
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${server.token}`);
  function find(method: string) {
    const found = new Map(Object.entries({ ...definition })).get(method);
    if (!isMethod(found)) throw new Error(`reflection knows no ${method}`);
    return found;
  }
  return {
    services,
    close: () => client.close(),
    async call(method: string, request: object): Promise<Record<string, unknown>> {
      const { path, requestSerialize, responseDeserialize } = find(method);
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error, answer) =>
          error === null ? resolve(Object.fromEntries(Object.entries(answer ?? {}))) : reject(error),
        );
      });
    },
    async collect(method: string, request: object): Promise<unknown[]> {
      const { path, requestSerialize, responseDeserialize } = find(method);
      const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata);
      return stream.toArray();
    },
  };
}

function isMethod(value: unknown): value is MethodDefinition<object, object> {
  return typeof value === "object" && value !== null && "requestSerialize" in value;
}

/** As a message without the JSON mapping: names as in the proto, and a field mask is a list. */
function toMessage(data: JsonObject): object {
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [toSnakeCase(name), toField(name, value)]));
}

function toField(name: string, value: JsonValue): unknown {
  if (name === "updateMask" && typeof value === "string") return { paths: [toSnakeCase(value)] };
  if (Array.isArray(value) || typeof value !== "object" || value === null) return value;
  return toMessage(value);
}

function toSnakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function readCode(error: unknown): string {
  const code = error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : status.UNKNOWN;
  return status[code]?.toLowerCase() ?? "";
}

test.each(["v1", "v1alpha"])(
  "@grpc/grpc-js calls every method with what it learns by reflection %s alone",
  { timeout: 180_000 },
  async (version) => {
    const peer = await connect(version);
    expect(peer.services).toContain(service);
    const name = `grpc-${version}`;
    const round = await prepareRound(server, name);
    const wrong: string[] = [];
    for (const { method, data, also = [], keep } of operatorCalls) {
      try {
        const request = toMessage(data(round));
        if (method === "WatchDeployment") {
          const messages = JSON.stringify(await peer.collect(method, request));
          if (!messages.includes("DEPLOYMENT_STATE_CANCELED")) wrong.push(`${method}: ${messages}`);
        } else {
          const answer = await peer.call(method, request);
          keep?.(answer, round);
        }
      } catch (error) {
        if (!also.includes(readCode(error))) wrong.push(`${method}: ${String(error)}`);
      }
    }
    peer.close();
    expect(wrong).toEqual([]);
  },
);
