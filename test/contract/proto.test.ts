import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DescMessage, DescMethod } from "@bufbuild/protobuf";
import { clone, createFileRegistry, equals, fromBinary, ScalarType } from "@bufbuild/protobuf";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { readGuard } from "#common/rpc/read-guard.ts";
import { methodPath } from "#common/rpc/sign.ts";
import { buildProto, root, runBuf } from "./run-buf.ts";

const baseline = `${root}test/contract/baseline.binpb`;

function listMethods(registry: Iterable<{ kind: string }>): DescMethod[] {
  const methods: DescMethod[] = [];
  for (const desc of registry) {
    if (isService(desc)) methods.push(...desc.methods);
  }
  return methods;
}

function isService(desc: { kind: string }): desc is { kind: "service"; methods: DescMethod[] } {
  return desc.kind === "service";
}

/** Everything in a message and below it whose encoding differs between languages. */
function findUncanonical(message: DescMessage, seen = new Set<string>()): string[] {
  if (seen.has(message.typeName)) return [];
  seen.add(message.typeName);
  const found = message.typeName === "google.protobuf.Any" ? ["google.protobuf.Any"] : [];
  for (const field of message.fields) {
    const name = `${message.typeName}.${field.name}`;
    const scalar = field.fieldKind === "scalar" || field.fieldKind === "list" ? field.scalar : undefined;
    if (field.fieldKind === "map") found.push(`${name}: map`);
    if (scalar === ScalarType.FLOAT || scalar === ScalarType.DOUBLE) found.push(`${name}: float`);
    if (field.oneof !== undefined) found.push(`${name}: oneof`);
    if (field.fieldKind !== "scalar" && field.message !== undefined) found.push(...findUncanonical(field.message, seen));
  }
  return found;
}

/** A file without what a compiler may add or leave out: source positions, and JSON names that follow from the field's name. */
function normalize(file: FileDescriptorProto): FileDescriptorProto {
  const copy = clone(FileDescriptorProtoSchema, file);
  delete copy.sourceCodeInfo;
  const messages = [...copy.messageType];
  const fields = [...copy.extension];
  for (let message = messages.pop(); message !== undefined; message = messages.pop()) {
    messages.push(...message.nestedType);
    fields.push(...message.field, ...message.extension);
  }
  for (const field of fields) field.jsonName = "";
  delete copy.$unknown;
  return copy;
}

async function readTree(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const contents = await Promise.all(files.map(async (file) => [file.slice(directory.length), await readFile(file, "utf8")]));
  return Object.fromEntries(contents);
}

describe("the contracts", () => {
  it("break no program that was written against the baseline", async () => {
    await expect(runBuf(["breaking", "proto", "--against", baseline])).resolves.toBeDefined();
  });

  it("guard every method, and those of the baseline as they did there", async () => {
    const { registry } = await buildProto();
    const now = listMethods(registry);
    expect(now.filter((method) => readGuard(method).rule === "none").map(methodPath)).toEqual([]);
    expect(now.length).toBeGreaterThan(0);
    const before = listMethods(createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(baseline))));
    const guards = new Map(now.map((method) => [methodPath(method), readGuard(method)]));
    expect(before.length).toBeGreaterThan(0);
    for (const method of before)
      expect([methodPath(method), guards.get(methodPath(method))]).toEqual([methodPath(method), readGuard(method)]);
  });

  it("sign only single requests, without map, float, Any or oneof", async () => {
    const { registry } = await buildProto();
    const signed = listMethods(registry).filter((method) => readGuard(method).rule === "signature");
    expect(signed.map(methodPath).toSorted()).toEqual([
      "/catapult.v1.CentralService/ReportStatus",
      "/catapult.v1.WorkerService/Build",
      "/catapult.v1.WorkerService/Cleanup",
      "/catapult.v1.WorkerService/ListSites",
    ]);
    for (const method of signed) {
      expect(method.methodKind).toBe("unary");
      expect(findUncanonical(method.input)).toEqual([]);
    }
  });

  it("would be seen to hold such a field", async () => {
    const { registry } = await buildProto();
    const uncanonical = (name: string) => findUncanonical(registry.getMessage(name)!);
    // One type of each kind, from what the contracts import.
    expect(uncanonical("buf.validate.DoubleRules")).toContain("buf.validate.DoubleRules.const: float");
    expect(uncanonical("buf.validate.FieldRules").filter((found) => found.endsWith("oneof"))).not.toEqual([]);
    expect(file_buf_validate_validate.messages.length).toBeGreaterThan(0);
  });

  it("are in gen/ as buf generates them", async () => {
    const directory = await mkdtemp(join(tmpdir(), "catapult-gen-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    await runBuf(["generate", "-o", directory]);
    expect(await readTree(`${root}gen`)).toEqual(await readTree(join(directory, "gen")));
  });

  it("use the rules of validation that protovalidate itself holds", async () => {
    const { files } = await buildProto();
    const vendored = files.file.find((file) => file.name === "buf/validate/validate.proto");
    expect(vendored).toBeDefined();
    const own = normalize(file_buf_validate_validate.proto);
    expect(own.messageType.length).toBeGreaterThan(10);
    expect(equals(FileDescriptorProtoSchema, normalize(vendored!), own)).toBe(true);
  });
});
