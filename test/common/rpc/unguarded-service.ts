import { create, createFileRegistry } from "@bufbuild/protobuf";
import type { DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { EmptySchema, FileDescriptorProtoSchema, file_google_protobuf_empty } from "@bufbuild/protobuf/wkt";

/** A service whose only method carries no guard. */
export function createUnguardedService(): {
  service: DescService;
  method: DescMethodUnary<typeof EmptySchema, typeof EmptySchema>;
} {
  const empty = ".google.protobuf.Empty";
  const file = create(FileDescriptorProtoSchema, {
    name: "test/unguarded.proto",
    package: "test",
    syntax: "proto3",
    dependency: ["google/protobuf/empty.proto"],
    service: [{ name: "UnguardedService", method: [{ name: "Do", inputType: empty, outputType: empty }] }],
  });
  const registry = createFileRegistry(file, () => file_google_protobuf_empty);
  const service = registry.getService("test.UnguardedService");
  const method = service?.methods[0];
  if (service === undefined || method?.methodKind !== "unary") throw new Error("the descriptor has no such method");
  return { service, method: { ...method, methodKind: "unary", input: EmptySchema, output: EmptySchema } };
}
