import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { DescMessage, DescMethod, JsonValue, Message } from "@bufbuild/protobuf";
import { fromJson, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { digestMessage } from "#common/rpc/digest-message.ts";
import { readGuard } from "#common/rpc/read-guard.ts";
import { formatStringToSign, methodPath, signCall } from "#common/rpc/sign.ts";
import { parseSignatureHeader } from "#common/rpc/signature-header.ts";
import { verifySignature } from "#common/rpc/verify.ts";
import { CentralService } from "#gen/catapult/v1/central_service_pb.js";
import { OperatorService } from "#gen/catapult/v1/operator_service_pb.js";
import { WorkerService } from "#gen/catapult/v1/worker_service_pb.js";
import { samples } from "#test/common/rpc/samples.ts";
import { root, runBuf } from "./run-buf.ts";

type Vector = {
  method: string;
  recipient: string;
  kid: string;
  key: string;
  ts: number;
  nonce: string;
  type: string;
  message: JsonValue;
  binary: string;
  digest: string;
  stringToSign: string;
  header: string;
};

// Made by another hand: bytes by `buf convert`, digest and MAC by Python's hashlib and hmac. A client in any language can be tested by them.
const vectors: Vector[] = JSON.parse(readFileSync(`${root}test/contract/signature-vectors.json`, "utf8"));
/** By the guards: what is signed, in every service. */
const signed = [CentralService, OperatorService, WorkerService]
  .flatMap(({ methods }): DescMethod[] => methods)
  .filter((method) => readGuard(method).rule === "signature");
const schemas = signed.map(({ input }) => input);
const schemaOf = (type: string) => schemas.find(({ typeName }) => typeName === type)!;

describe("a signature", () => {
  it.each(vectors)("is the golden one for $type to $recipient by $kid", async (vector) => {
    const schema = schemaOf(vector.type);
    const message = fromJson(schema, vector.message);
    expect(Buffer.from(toBinary(schema, message)).toString("hex")).toBe(vector.binary);
    expect(digestMessage(schema, message)).toBe(vector.digest);
    expect(formatStringToSign(vector)).toBe(vector.stringToSign);
    const key = { kid: vector.kid, key: Buffer.from(vector.key, "base64url") };
    const now = new Date(vector.ts * 1000);
    expect(signCall({ ...vector, key, now })).toBe(vector.header);

    const verified = await verifySignature({
      ...vector,
      value: vector.header,
      now,
      findKey: () => Promise.resolve({ key: key.key, caller: "x" }),
      nonces: { take: () => Promise.resolve(true) },
    });
    expect(verified).toMatchObject({ ok: true, digest: vector.digest });
    expect(parseSignatureHeader(vector.header)).toMatchObject({ kid: vector.kid, ts: vector.ts, nonce: vector.nonce });
  });

  it("has golden vectors for every signed type", () => {
    const pair = (method: string, type: string) => `${method} ${type}`;
    expect(new Set(vectors.map(({ method, type }) => pair(method, type)))).toEqual(
      new Set(signed.map((method) => pair(methodPath(method), method.input.typeName))),
    );
  });

  it("has a sample of every signed type", () => {
    expect(new Set(samples.map(({ schema }) => schema.typeName))).toEqual(new Set(schemas.map(({ typeName }) => typeName)));
  });

  it.each(
    samples.map(({ schema, message }): { name: string; schema: DescMessage; message: Message } => ({
      name: schema.typeName,
      schema,
      message,
    })),
  )("covers the same bytes of $name in buf as in ours, from JSON and from binary", async ({ name, schema, message }) => {
    const json = toJsonString(schema, message);
    const ours = Buffer.from(toBinary(schema, message));
    const theirs = await runBuf(["convert", "proto", "--type", name, "--from", "-#format=json", "--to", "-#format=binpb"], json);
    expect(theirs.equals(ours)).toBe(true);
    expect(createHash("sha256").update(theirs).digest("hex")).toBe(digestMessage(schema, fromJsonString(schema, json)));
  });
});
