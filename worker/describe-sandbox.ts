import { createHash } from "node:crypto";
import type Dockerode from "dockerode";
import type { WorkerConfig } from "#worker/config.ts";
import type { HolderSetup } from "#worker/sandbox/sandbox-types.ts";
import { writeSeccomp } from "#worker/sandbox/write-seccomp.ts";

/** What all sandboxes of a worker have in common. Its name is of its state folder, so that two workers on one Podman do not meet. */
export async function describeSandbox(
  config: WorkerConfig,
  podman: Dockerode,
): Promise<Omit<HolderSetup, "labels" | "dns"> & { dns: string[] }> {
  const { stateDir } = config;
  const seccompProfile = config.buildSeccomp ?? (await writeSeccomp(stateDir));
  const networkName = `catapult-${createHash("sha256").update(stateDir).digest("hex").slice(0, 8)}`;
  return {
    podman,
    imageReference: config.buildImage,
    limits: {
      memoryBytes: config.buildMemory,
      diskBytes: config.buildDisk,
      cpus: config.buildCpus,
      pids: config.buildPids,
      timeoutMs: config.buildTimeout,
    },
    dns: config.buildDns,
    ...(config.buildCaFile === undefined ? {} : { caFile: config.buildCaFile }),
    seccompProfile,
    networkName,
  };
}
