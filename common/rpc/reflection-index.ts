import type { DescExtension, DescFile, DescService } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** What a peer without our proto files may look up. Files are given as they are serialized, each with everything it imports behind it. */
export type ReflectionIndex = {
  services: string[];
  findFile(name: string): Uint8Array[] | undefined;
  findSymbol(name: string): Uint8Array[] | undefined;
  findExtension(extendee: string, number: number): Uint8Array[] | undefined;
  /** The numbers of a message's extensions; undefined: there is no such message. */
  listExtensions(extendee: string): number[] | undefined;
};

/** Indexes the files that these services are written in, and all that those import: nothing that is not served can be found. */
export function createReflectionIndex(services: readonly DescService[]): ReflectionIndex {
  const files = new Map<string, DescFile>();
  for (const { file } of services) for (const each of withImports(file)) files.set(each.proto.name, each);

  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescExtension>>();
  for (const file of files.values()) {
    for (const type of nestedTypes(file)) {
      symbols.set(type.typeName, file);
      if (type.kind === "message") {
        for (const field of type.fields) symbols.set(`${type.typeName}.${field.name}`, file);
        for (const oneof of type.oneofs) symbols.set(`${type.typeName}.${oneof.name}`, file);
        if (!extensions.has(type.typeName)) extensions.set(type.typeName, new Map());
      } else if (type.kind === "service") {
        for (const method of type.methods) symbols.set(`${type.typeName}.${method.name}`, file);
      } else if (type.kind === "enum") {
        // An enum's values are named beside it, not within it.
        const scope = type.typeName.slice(0, -type.name.length);
        for (const value of type.values) symbols.set(`${scope}${value.name}`, file);
      } else {
        const known = extensions.get(type.extendee.typeName) ?? new Map<number, DescExtension>();
        extensions.set(type.extendee.typeName, known.set(type.number, type));
      }
    }
  }
  return {
    services: services.map((service) => service.typeName).toSorted(),
    findFile: (name) => serialize(files.get(name)),
    findSymbol: (name) => serialize(symbols.get(name.replace(/^\./, ""))),
    findExtension: (extendee, number) => serialize(extensions.get(extendee)?.get(number)?.file),
    listExtensions(extendee) {
      const known = extensions.get(extendee);
      return known === undefined ? undefined : [...known.keys()].toSorted((one, other) => one - other);
    },
  };
}

/** A file, then each that it imports, directly or not, once. */
function withImports(file: DescFile, seen = new Set<DescFile>()): DescFile[] {
  seen.add(file);
  for (const each of file.dependencies) if (!seen.has(each)) withImports(each, seen);
  return [...seen];
}

function serialize(file: DescFile | undefined): Uint8Array[] | undefined {
  return file === undefined ? undefined : withImports(file).map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
}
