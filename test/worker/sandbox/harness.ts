import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { expect } from "vitest";
import { extract, pack } from "tar-stream";
import { runInSandbox, type SandboxRequest, type SandboxResult } from "#worker/sandbox/run-in-sandbox.ts";
import type { TestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";

export const mebibyte = 2 ** 20;

export type Outcome = {
  lines: string[];
  /** Text of the output's files by path; undefined when the build failed. */
  files: Record<string, string> | undefined;
  failure: { stage: string; reason: string; message: string } | undefined;
  result: SandboxResult;
};

/** Runs one build with small limits, reads and releases it, and checks that nothing of it is left in Podman. */
export async function build(
  test: TestPodman,
  o: Partial<SandboxRequest> & { command: string; files?: Record<string, string> },
): Promise<Outcome> {
  const networkName = `cttest-${randomBytes(4).toString("hex")}`;
  const lines: string[] = [];
  const { files: source = {}, limits, ...rest } = o;
  const result = await runInSandbox({
    podman: test.podman,
    imageReference: test.imageReference,
    seccompProfile: test.seccompProfile,
    limits: { memoryBytes: 512 * mebibyte, diskBytes: 256 * mebibyte, cpus: 1, pids: 128, timeoutMs: 60_000, ...limits },
    ...readSurroundings(),
    networkName,
    labels: { site: "1", generation: "1" },
    writeSource: () => packFiles(source),
    rootDir: "",
    outputDir: "out",
    devshell: "default",
    environment: { CI: "true" },
    onLine: (line) => lines.push(line),
    signal: new AbortController().signal,
    ...rest,
  });
  const files = result.ok ? await readFiles(result.output) : undefined;
  if (result.ok) await result.release();
  expect(await listLeft(test, networkName)).toEqual([]);
  return { lines, files, failure: result.ok ? undefined : result.failure, result };
}

export function packFiles(files: Record<string, string>): Readable {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return Readable.from(tar, { objectMode: false });
}

export async function readFiles(tar: Readable): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const entries = extract();
  tar.pipe(entries);
  for await (const entry of entries) {
    let text = "";
    for await (const chunk of entry) text += String(chunk);
    if (entry.header.type === "file") files[entry.header.name.replace(/^\.\//, "")] = text;
  }
  return files;
}

/** What Podman still has of one build. */
export async function listLeft(test: TestPodman, networkName: string): Promise<string[]> {
  const filters = { label: [`catapult.sandbox=${networkName}`] };
  const containers = await test.podman.listContainers({ all: true, filters });
  const networks = await test.podman.listNetworks({ filters });
  const volumes = await test.podman.listVolumes({ filters });
  return [
    ...containers.map((container) => container.Id),
    ...networks.map((network) => network.Name),
    ...(volumes.Volumes ?? []).map((volume) => volume.Name),
  ];
}
