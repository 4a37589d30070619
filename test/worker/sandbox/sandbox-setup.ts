import { randomBytes } from "node:crypto";
import type Dockerode from "dockerode";
import type { TestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";
import type { HolderSetup, SandboxRequest } from "#worker/sandbox/sandbox-types.ts";
import { mebibyte, packFiles } from "./harness.ts";

/** What sandboxes of one test are made from; the name is the test's own. */
export function createSetup(test: TestPodman, podman: Dockerode = test.podman): HolderSetup {
  return {
    podman,
    imageReference: test.imageReference,
    limits: { memoryBytes: 512 * mebibyte, diskBytes: 256 * mebibyte, cpus: 1, pids: 128, timeoutMs: 60_000 },
    ...readSurroundings(),
    networkName: `cttest-${randomBytes(4).toString("hex")}`,
    labels: {},
  };
}

export function createRequest(setup: HolderSetup, o: Partial<SandboxRequest> & { command: string }): SandboxRequest {
  return {
    ...setup,
    writeSource: () => packFiles({}),
    rootDir: "",
    outputDir: "out",
    devshell: "default",
    environment: { CI: "true" },
    onLine: () => undefined,
    signal: new AbortController().signal,
    ...o,
  };
}
