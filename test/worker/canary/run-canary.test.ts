import { randomBytes } from "node:crypto";
import type Dockerode from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { readSurroundings } from "#test/support/surroundings.ts";
import { listLeft, mebibyte } from "#test/worker/sandbox/harness.ts";
import { provenRanges } from "#worker/canary/choose-addresses.ts";
import type { CanaryOutcome } from "#worker/canary/create-canary.ts";
import { runCanary, type CanaryOptions } from "#worker/canary/run-canary.ts";
import { execInside } from "#worker/sandbox/exec-inside.ts";
import { prepareSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import { blockedRanges } from "#worker/sandbox/render-rules.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

type Options = Dockerode.ContainerCreateOptions;
type Weakness = { build?: (o: Options) => Options; rules?: (rules: string) => string; holder?: (o: Options) => Options };

/**
 * Runs the canary against the real sandbox, weakened as told, and gives the names of the proofs that failed. A call of Podman that failed says
 * nothing of a proof: it is asked again, as the worker does.
 */
async function prove(weakness: Weakness = {}, o: Partial<CanaryOptions> = {}): Promise<string[]> {
  const failed = await proveOnce(weakness, o);
  return failed.includes("engine") ? proveOnce(weakness, o) : failed;
}

async function proveOnce(weakness: Weakness, o: Partial<CanaryOptions>): Promise<string[]> {
  const outcome = await run(weakness, o);
  // So that a run which was asked again says what came back.
  if (outcome.kind === "unanswered") console.warn(`${outcome.reason}: ${outcome.detail}`);
  return outcome.kind === "unanswered" ? ["engine"] : outcome.failed.map(({ proof }) => proof).toSorted();
}

async function run(weakness: Weakness, o: Partial<CanaryOptions> = {}): Promise<CanaryOutcome> {
  const networkName = `cttest-${randomBytes(4).toString("hex")}`;
  const weaken = (options: Options): Options => {
    if (options.name?.endsWith("-build") === true) return weakness.build?.(options) ?? options;
    if (options.name?.endsWith("-holder") !== true) return options;
    const holder = weakness.holder?.(options) ?? options;
    return { ...holder, Cmd: (holder.Cmd ?? []).map((rules) => weakness.rules?.(rules) ?? rules) };
  };
  const outcome = await runCanary({
    podman: new Proxy(podman.podman, {
      get: (target, name) =>
        name === "createContainer"
          ? (options: Options) => target.createContainer(weaken(options))
          : (Reflect.get(target, name) as unknown),
    }),
    imageReference: podman.imageReference,
    seccompProfile: podman.seccompProfile,
    limits: { memoryBytes: 512 * mebibyte, diskBytes: 256 * mebibyte, cpus: 1.5, pids: 1024, timeoutMs: 60_000 },
    ...readSurroundings(),
    networkName,
    target: undefined,
    signal: new AbortController().signal,
    ...o,
  });
  expect(await listLeft(podman, networkName)).toEqual([]);
  return outcome;
}

function withHost(change: (host: Dockerode.HostConfig) => Dockerode.HostConfig): Weakness {
  return { build: (options) => ({ ...options, HostConfig: change(options.HostConfig ?? {}) }) };
}

const dropLines = (pattern: RegExp) => (rules: string) =>
  rules
    .split("\n")
    .filter((line) => !pattern.test(line))
    .join("\n");

/** A second layer of rules on the host that is not there; `lost`: it was. */
const hostLayer = (lost: boolean): NonNullable<CanaryOptions["hostLayer"]> => ({
  ensure: async () => undefined,
  observe: async () => undefined,
  look: async () => ({ inForce: false, lost, reason: "its table was changed or removed" }),
});

test("The real profile passes every proof, with no second layer on the host that was never there, and nothing of the canary is left", async () => {
  expect(await prove({}, { hostLayer: hostLayer(false) })).toEqual([]);
});

test("A second layer of rules on the host that went is named", async () => {
  expect(await prove({}, { hostLayer: hostLayer(true) })).toEqual(["network_host_layer"]);
});

test("Every range that builds are barred from is proven, told apart from the rules", () => {
  expect([...provenRanges, "127.0.0.0/8"].toSorted()).toEqual([...blockedRanges].toSorted());
});

const security = (...options: string[]): Weakness => withHost((host) => ({ ...host, SecurityOpt: options }));
// Each run takes seconds: weaknesses that have proofs of their own share one, and all of their names must come, and no other.
test.each<[string, Weakness, string[]]>([
  [
    "a capability, the holder's processes, another group and one more",
    {
      build: (options) => ({
        ...options,
        User: "10001:10002",
        HostConfig: {
          ...options.HostConfig,
          CapAdd: ["NET_RAW"],
          PidMode: options.HostConfig?.NetworkMode ?? "",
          GroupAdd: ["20"],
        },
      }),
    },
    ["capabilities", "groups", "processes", "user"],
  ],
  [
    "a writable root, an unsized /tmp, a host's folder and a host's device",
    withHost((host) => ({
      ...host,
      ReadonlyRootfs: false,
      Tmpfs: { ...host.Tmpfs, "/tmp": "rw,mode=1777" },
      Binds: ["/etc:/mnt:ro"],
      Devices: [{ PathOnHost: "/dev/kmsg", PathInContainer: "/dev/kmsg", CgroupPermissions: "r" }],
    })),
    ["devices", "mounts", "read_only_root", "tmpfs"],
  ],
  [
    "neither seccomp nor no-new-privileges, no memory limit, no CPU quota, more processes and other ulimits",
    withHost((host) => ({
      ...host,
      SecurityOpt: ["seccomp=unconfined"],
      Memory: 0,
      MemorySwap: 0,
      NanoCpus: 0,
      PidsLimit: 2_000,
      Ulimits: [
        { Name: "nofile", Soft: 2048, Hard: 2048 },
        { Name: "nproc", Soft: 4096, Hard: 4096 },
      ],
    })),
    ["cpu", "memory", "no_new_privileges", "pids", "seccomp", "ulimits"],
  ],
])("A build with %s is named", async (_, weakness, proofs) => {
  expect(await prove(weakness)).toEqual(proofs);
});

test("The engine's own filter is not enough: each call that it lets through is named", async () => {
  const outcome = await run(security("no-new-privileges"));
  if (outcome.kind !== "judged") throw new Error(outcome.detail);
  expect(outcome.failed.map(({ proof }) => proof)).toEqual(["seccomp"]);
  const detail = outcome.failed[0]?.detail ?? "";
  expect(detail).not.toMatch(/Seccomp=|not tried/);
  for (const name of ["unshare(CLONE_NEWUSER)", "clone(CLONE_NEWUSER)", "keyctl", "ptrace", "process_vm_readv"])
    expect(detail).toContain(name);
});

test("Without any filter every call that needs no right is named, the second doors to the kernel among them", async () => {
  const outcome = await run(security("no-new-privileges", "seccomp=unconfined"));
  if (outcome.kind !== "judged") throw new Error(outcome.detail);
  expect(outcome.failed.map(({ proof }) => proof)).toEqual(["seccomp"]);
  const detail = outcome.failed[0]?.detail ?? "";
  expect(detail).toMatch(/^Seccomp=0; let through: /);
  expect(detail).not.toContain("not tried");
  for (const name of [
    "clone3",
    "add_key",
    "open_tree",
    "personality(ADDR_NO_RANDOMIZE)",
    "socket(AF_VSOCK)",
    "name_to_handle_at",
  ])
    expect(detail).toContain(name);
  expect(detail).toContain(process.arch === "x64" ? "int 0x80 getpid (done)" : "unshare");
});

test("Rules that let everything out are named by every range, the gateway and this machine's addresses", async () => {
  const names = [...provenRanges.map((range) => `network_${range}`), "network_gateway", "network_host"];
  expect(await prove({ rules: dropLines(/reject with icmpx type host-unreachable/) })).toEqual(names.toSorted());
});

test("Rules that only drop what they must refuse are unproven by every range, the gateway and this machine's addresses", async () => {
  const names = [...provenRanges.map((range) => `network_${range}`), "network_gateway", "network_host"];
  const silent = (rules: string): string => rules.replaceAll("reject with icmpx type host-unreachable", "drop");
  expect(await prove({ rules: silent })).toEqual(names.toSorted());
});

test("Rules without one range, a foreign resolver, IPv6 and a target that does not answer are named", async () => {
  const weakness: Weakness = {
    rules: (rules) => dropLines(/dport 53 reject|nfproto ipv6 reject/)(rules).replace("169.254.0.0/16, ", ""),
    holder: (options) => ({ ...options, HostConfig: { ...options.HostConfig, Sysctls: {} } }),
  };
  // Nothing listens there, on the build's own loopback.
  expect(await prove(weakness, { target: { host: "127.0.0.1", port: 9 } })).toEqual([
    "network_169.254.0.0/16",
    "network_dns",
    "network_ipv6",
    "network_target",
  ]);
});

test("Rules that let nothing out, and a resolver that is none, are named: what is not reached would prove nothing", async () => {
  const closed = dropLines(/meta l4proto \{ tcp, udp, icmp \} accept/);
  const target = { host: "registry.npmjs.org", port: 443 };
  expect(await prove({ rules: closed }, { dns: ["127.0.0.1"], target })).toEqual(["network_control", "network_resolver"]);
});

test("A build in the host's network is named by the host's loopback and everything else of the network", async () => {
  const failed = await prove(withHost((host) => ({ ...host, NetworkMode: "host" })));
  expect(failed).toEqual(expect.arrayContaining(["network_loopback", "network_gateway", "network_control"]));
});

test("fault 44 rules that are flushed before the build fail the canary", async () => {
  const failed = await prove(
    {},
    {
      prepare: async (setup) => {
        const sandbox = await prepareSandbox(setup);
        await execInside(sandbox.holder, ["nft", "flush", "ruleset"], 1024).catch(() => undefined);
        return sandbox;
      },
    },
  );
  expect(failed).not.toEqual([]);
});
