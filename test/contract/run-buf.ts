import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FileRegistry } from "@bufbuild/protobuf";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import type { FileDescriptorSet } from "@bufbuild/protobuf/wkt";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** buf itself: hundreds of calls need not start the package's wrapper in Node each, which takes longer than they do. */
const own = `${root}node_modules/@bufbuild/buf-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}/bin/buf`;
export const buf = existsSync(own) ? own : `${root}node_modules/.bin/buf`;

/** Runs the installed buf in the repository's root and gives back its standard output; rejects with what it said. */
export function runBuf(args: string[], input = ""): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { cwd: root, encoding: "buffer" as const, maxBuffer: 32 * 1024 * 1024 };
    const child = execFile(buf, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`buf ${args.join(" ")} failed:\n${stdout.toString()}${stderr.toString()}`, { cause: error }));
    });
    child.stdin?.end(input);
  });
}

/** The descriptors of proto/ as buf compiles them now. */
export async function buildProto(): Promise<{ files: FileDescriptorSet; registry: FileRegistry }> {
  const image = await runBuf(["build", "proto", "--exclude-source-info", "-o", "-#format=binpb"]);
  const files = fromBinary(FileDescriptorSetSchema, image);
  return { files, registry: createFileRegistry(files) };
}
