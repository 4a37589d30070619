import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { readGuard } from "#common/rpc/read-guard.ts";
import { runBuf } from "./run-buf.ts";

const service = "catapult.v1.OperatorService";

/** What the proto says above each method that writes. */
async function readComments(): Promise<Map<string, string>> {
  const files = fromBinary(FileDescriptorSetSchema, await runBuf(["build", "proto", "-o", "-#format=binpb"]));
  const { methods, file, index } = serviceOf(files);
  // 6: a file's services, 2: a service's methods, by descriptor.proto.
  const locations = file.proto.sourceCodeInfo?.location ?? [];
  const commentOf = (at: number) => locations.find(({ path }) => path.join() === [6, index, 2, at].join())?.leadingComments ?? "";
  const comments = methods.map((method, at) => ({ method, comment: commentOf(at).replaceAll(/\s+/g, " ") }));
  const writing = comments.filter(({ method }) => {
    const guard = readGuard(method);
    return guard.rule === "token" && guard.scope === "write";
  });
  return new Map(writing.map(({ method, comment }) => [method.name, comment]));
}

function serviceOf(files: FileDescriptorSet) {
  const found = createFileRegistry(files).getService(service);
  if (found === undefined) throw new Error(`buf built no ${service}`);
  return { methods: found.methods, file: found.file, index: found.file.services.indexOf(found) };
}

test("each method of OperatorService that writes says what a repeat does", async () => {
  const comments = await readComments();
  expect(comments.size).toBeGreaterThan(15);
  expect([...comments].filter(([, comment]) => !/\b(repeat|again what is)\b/i.test(comment))).toEqual([]);
});

test("each that gives out a secret once says what to do when the answer was lost", async () => {
  const comments = await readComments();
  expect(comments.get("CreateWorker")).toMatch(
    /answer was lost, RotateWorkerKey .* the lost keys stay valid .* remove the worker and add it again/,
  );
  expect(comments.get("RotateWorkerKey")).toMatch(/or its oldest if it has used none yet, stay valid/);
  expect(comments.get("CreateToken")).toMatch(/answer was lost, revoke/);
});
