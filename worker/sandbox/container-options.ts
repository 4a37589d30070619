import type Dockerode from "dockerode";
import { sizeOfTmp, type BuildLimits } from "./limits.ts";
import { roleLabel, sandboxLabel, type Role } from "./sandbox-labels.ts";
import type { HolderSetup } from "./sandbox-types.ts";

/** Who a build runs as; the numbers are nobody's on the host. */
export const buildUser = 10001;

/** How many files one process of a build may have open. */
export const openFiles = 4096;

export type SandboxNames = { network: string; volume: string; store: string; holder: string; build: string };

/**
 * Podman adds unsized tmpfs at these three when the root is read-only, so each is given a size. Podman takes no cap on inodes here: their
 * number, as their bytes, is charged to the memory.
 */
function sizeTmpfs(limits: BuildLimits): Record<string, string> {
  return { "/tmp": `rw,nosuid,nodev,size=${sizeOfTmp(limits)},mode=1777`, "/run": tinyTmpfs, "/var/tmp": tinyTmpfs };
}

const tinyTmpfs = "rw,nosuid,nodev,noexec,size=1048576,mode=1777";

/** Locked down alike: no capability beyond those named, no new privileges, a read-only root, no log on the host's disk. */
function lockDown(setup: HolderSetup, capabilities: string[]): Dockerode.HostConfig {
  return {
    ReadonlyRootfs: true,
    CapDrop: ["ALL"],
    CapAdd: capabilities,
    SecurityOpt: ["no-new-privileges", ...(setup.seccompProfile === undefined ? [] : [`seccomp=${setup.seccompProfile}`])],
    LogConfig: { Type: "none", Config: {} },
    // Both must be named: what is not is raised to the maximum. nproc is counted over all containers of the user, so the PID limit is the real one.
    Ulimits: [
      { Name: "nofile", Soft: openFiles, Hard: openFiles },
      { Name: "nproc", Soft: 4096, Hard: 4096 },
      { Name: "core", Soft: 0, Hard: 0 },
    ],
  };
}

function label(setup: HolderSetup, role: Role): Record<string, string> {
  return { ...setup.labels, [sandboxLabel]: setup.networkName, [roleLabel]: role };
}

function mountVolumes(names: SandboxNames): Dockerode.MountConfig {
  return [
    { Type: "volume", Source: names.volume, Target: "/build", VolumeOptions: noCopy },
    { Type: "volume", Source: names.store, Target: "/nix", VolumeOptions: noCopy },
  ];
}

const noCopy = { NoCopy: true, Labels: {}, DriverConfig: { Name: "local", Options: {} } };

/** The holder owns the network and keeps the volumes mounted: they live while a container uses them. */
export function describeHolder(
  setup: HolderSetup,
  names: SandboxNames,
  imageId: string,
  rules: string,
): Dockerode.ContainerCreateOptions {
  return {
    name: names.holder,
    Image: imageId,
    Entrypoint: ["/opt/catapult/hold-network.sh"],
    Cmd: [rules],
    User: `${buildUser}:${buildUser}`,
    Env: [],
    Labels: label(setup, "holder"),
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      ...lockDown(setup, ["NET_ADMIN"]),
      NetworkMode: names.network,
      Dns: [...setup.dns],
      Mounts: mountVolumes(names),
      Tmpfs: { "/tmp": tinyTmpfs, "/run": tinyTmpfs, "/var/tmp": tinyTmpfs },
      Sysctls: { "net.ipv6.conf.all.disable_ipv6": "1", "net.ipv6.conf.default.disable_ipv6": "1" },
      Memory: 64 * 2 ** 20,
      MemorySwap: 64 * 2 ** 20,
      PidsLimit: 16,
      Init: true,
    },
  };
}

/** Reads what Podman's host says of its network: our own image and command, as locked down as a build. */
export function describeLook(setup: HolderSetup, name: string): Dockerode.ContainerCreateOptions {
  return {
    name,
    Image: setup.imageReference,
    Entrypoint: ["/bin/sh", "-c", "readlink /proc/self/ns/net; cat /proc/sys/kernel/random/boot_id /proc/net/fib_trie"],
    Cmd: [],
    User: `${buildUser}:${buildUser}`,
    Env: [],
    Labels: label(setup, "build"),
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      ...lockDown(setup, []),
      NetworkMode: "host",
      Tmpfs: { "/tmp": tinyTmpfs, "/run": tinyTmpfs, "/var/tmp": tinyTmpfs },
      Memory: 64 * 2 ** 20,
      MemorySwap: 64 * 2 ** 20,
      PidsLimit: 16,
    },
  };
}

/** The build's container joins the holder's network and has no capability at all. */
export function describeBuild(setup: HolderSetup, names: SandboxNames, imageId: string): Dockerode.ContainerCreateOptions {
  const { limits } = setup;
  return {
    name: names.build,
    // By its id, which names one content for ever; a tag may be moved between the proof and the build.
    Image: imageId,
    Entrypoint: ["/opt/catapult/run-build.sh"],
    Cmd: [],
    User: `${buildUser}:${buildUser}`,
    WorkingDir: "/build",
    Env: [],
    Labels: label(setup, "build"),
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      ...lockDown(setup, []),
      NetworkMode: `container:${names.holder}`,
      Mounts: mountVolumes(names),
      Tmpfs: sizeTmpfs(limits),
      ShmSize: 64 * 2 ** 20,
      // Equal, else swap is allowed up to the same amount again.
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(limits.cpus * 1e9),
      PidsLimit: limits.pids,
    },
  };
}

/**
 * A volume in memory with a cap. Podman reads `size=` as a quota of its own and fails, so the cap is told in blocks, which are
 * pages: 4096 bytes on x86-64 and on Debian's arm64. One inode for each block of a small file, at least enough for a node_modules.
 */
export function describeVolume(name: string, setup: HolderSetup, owner: number): Dockerode.VolumeCreateOptions {
  const blocks = Math.max(1, Math.floor(setup.limits.diskBytes / 4096));
  const inodes = Math.min(4_000_000, Math.max(65_536, blocks));
  return {
    Name: name,
    Driver: "local",
    DriverOpts: {
      type: "tmpfs",
      device: "tmpfs",
      o: `nr_blocks=${blocks},nr_inodes=${inodes},nosuid,nodev,mode=0755,uid=${owner},gid=${owner}`,
    },
    Labels: { ...setup.labels, [sandboxLabel]: setup.networkName },
  };
}
