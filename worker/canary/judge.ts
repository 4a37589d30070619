import type { BuildLimits } from "#worker/sandbox/limits.ts";
import { buildUser } from "#worker/sandbox/container-options.ts";
import { addresses6, linkAddresses, multicastAddress } from "./choose-addresses.ts";
import type { Attempt, LimitName, Mount, Observation } from "./observation.ts";

/** A proof that failed. The name may be shown to anyone; the detail is for the worker's log. */
export type FailedProof = { proof: string; detail: string };

export type Evidence = {
  limits: BuildLimits;
  ranges: readonly { range: string; address: string }[];
  gateway: string;
  /** The addresses of Podman's host, and the worker's own. */
  own: readonly string[];
  dns: readonly string[];
  /** Undefined: there is nothing outside that builds are to reach. */
  target: { host: string; port: number } | undefined;
  observations: readonly Observation[];
  /** What the listeners saw: an address, or for the worker's own listeners theirs. */
  hits: readonly string[];
  /** What Podman itself says of the build's container. */
  outside: { privileged: boolean; readOnly: boolean; mountTypes: readonly string[] };
  /** The run ended as one that ran out of memory does. */
  outOfMemory: boolean;
};

type Check = (evidence: Evidence, seen: Seen) => Record<string, string | undefined>;

/** Every proof that failed; each is named by what it is about. What the probe did not tell counts as failed. */
export function judge(evidence: Evidence): FailedProof[] {
  const seen = sort(evidence.observations);
  const checks: Check[] = [judgeProcess, judgeFiles, judgeLimits, judgeRanges, judgeHost, judgeNames, judgeTarget];
  const failed: FailedProof[] = [];
  for (const check of checks)
    for (const [proof, detail] of Object.entries(check(evidence, seen))) if (detail !== undefined) failed.push({ proof, detail });
  const errors = evidence.observations.filter((observation) => observation.kind === "error");
  if (errors.length > 0)
    failed.push({ proof: "probe", detail: errors.map(({ during, said }) => `${during}: ${said}`).join("; ") });
  return failed;
}

type Seen = ReturnType<typeof sort>;

function sort(observations: readonly Observation[]) {
  const of = <K extends Observation["kind"]>(kind: K): Extract<Observation, { kind: K }>[] =>
    observations.filter((observation): observation is Extract<Observation, { kind: K }> => observation.kind === kind);
  return {
    status: new Map(of("status").map(({ name, value }) => [name, value])),
    limits: new Map(of("limit").map(({ name, value }) => [name, value])),
    mounts: of("mount").map(({ mount }) => mount),
    attempts: of("attempt").map(({ attempt }) => attempt),
    unrouted: new Set(of("unrouted").map(({ address }) => address)),
    written: of("written").map(({ path }) => path),
    devices: of("device"),
    ipv6: of("ipv6").map((found) => found.interface),
    init: of("init")[0]?.command,
    target: of("target")[0],
    fork: of("fork")[0],
    allocation: of("allocation")[0],
  };
}

/** Undefined if it holds. */
function expect(holds: boolean, detail: string): string | undefined {
  return holds ? undefined : detail;
}

function judgeProcess({ outside }: Evidence, { status, init }: Seen): Record<string, string | undefined> {
  const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map((name) => `${name}=${status.get(name)}`);
  const ids = Array.from({ length: 4 }, () => buildUser).join("\t");
  return {
    capabilities: expect(
      sets.every((set) => set.endsWith("=0000000000000000")) && !outside.privileged,
      `${sets.join(" ")} privileged=${outside.privileged}`,
    ),
    no_new_privileges: expect(status.get("NoNewPrivs") === "1", `NoNewPrivs=${status.get("NoNewPrivs")}`),
    seccomp: expect(status.get("Seccomp") === "2", `Seccomp=${status.get("Seccomp")}`),
    user: expect(
      status.get("Uid") === ids && status.get("Gid") === ids,
      `Uid=${status.get("Uid")} Gid=${status.get("Gid")} instead of ${buildUser}`,
    ),
    groups: expect(["", String(buildUser)].includes(status.get("Groups") ?? "none"), `Groups=${status.get("Groups")}`),
    processes: expect(init?.includes("/opt/catapult/run-build.sh") === true, `its first process is ${init}`),
  };
}

const devices = /^\/dev\/(null|zero|full|random|urandom|tty|console|ptmx|pts\/(ptmx|\d+))$/;
/** Names that Podman writes for a container, each a file of its own. */
const engineFiles = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/passwd", "/etc/group", "/run/.containerenv"];
const kernelTypes = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"];

/** Podman's masks and the kernel's own mounts below these. */
function isMask({ path }: Mount): boolean {
  return path.startsWith("/proc/") || path.startsWith("/sys/");
}

function judgeFiles(
  { limits, outside }: Evidence,
  { written, mounts, devices: found }: Seen,
): Record<string, string | undefined> {
  const root = mounts.findLast((mount) => mount.path === "/");
  const caps = capTmpfs(limits);
  const foreign = mounts.filter(
    (mount) =>
      mount.path !== "/" &&
      !isMask(mount) &&
      !engineFiles.includes(mount.path) &&
      !(kernelTypes.includes(mount.type) && /^\/(proc|sys|dev)(\/|$)/.test(mount.path)) &&
      !(mount.type === "tmpfs" && (mount.path === "/dev" || mount.path in caps)) &&
      !(mount.type === "devtmpfs" || (mount.path.startsWith("/dev/") && devices.test(mount.path))),
  );
  const tmpfs = Object.entries(caps).flatMap(([path, cap]) => {
    const mount = mounts.findLast((candidate) => candidate.path === path);
    const fits =
      mount?.type === "tmpfs" &&
      mount.bytes > 0 &&
      (cap.exact ? mount.bytes === cap.bytes : mount.bytes <= cap.bytes) &&
      (cap.inodes === undefined || (mount.inodes > 0 && mount.inodes <= cap.inodes));
    return fits ? [] : [`${path}: ${mount?.type} of ${mount?.bytes} bytes and ${mount?.inodes} inodes`];
  });
  const others = found.filter((device) => device.block || !devices.test(device.path));
  return {
    read_only_root: expect(
      written.length === 0 && root?.writable === false && outside.readOnly,
      `wrote in ${written.join(" ")}; / is ${root?.writable === false ? "read-only" : "writable"}`,
    ),
    tmpfs: expect(tmpfs.length === 0, tmpfs.join("; ")),
    mounts: expect(
      foreign.length === 0 && outside.mountTypes.every((type) => type === "volume" || type === "tmpfs") && mounts.length > 0,
      `${foreign.map((mount) => `${mount.path} (${mount.type})`).join(" ")} ${outside.mountTypes.join(" ")}`,
    ),
    devices: expect(others.length === 0 && found.length > 0, others.map(({ path }) => path).join(" ")),
  };
}

function capTmpfs(limits: BuildLimits): Record<string, { bytes: number; exact?: boolean; inodes?: number }> {
  const disk = Math.floor(limits.diskBytes / 4096) * 4096;
  const volume = { bytes: disk, exact: true, inodes: Math.min(4_000_000, Math.max(65_536, disk / 4096)) };
  const small = { bytes: 2 ** 20 };
  return {
    "/build": volume,
    "/nix": volume,
    "/tmp": { bytes: Math.max(16 * 2 ** 20, limits.diskBytes / 4) + 4096 },
    "/run": small,
    "/var/tmp": small,
    "/dev/shm": { bytes: 64 * 2 ** 20 },
  };
}

function judgeLimits(
  { limits, outOfMemory }: Evidence,
  { limits: read, fork, allocation }: Seen,
): Record<string, string | undefined> {
  const is = (name: LimitName, value: number): boolean => read.get(name) === value;
  const cpus = read.get("cpus") ?? -1;
  const ulimits = ["nofile", "nproc", "core"] as const;
  return {
    memory: expect(
      is("memory", Math.floor(limits.memoryBytes / 4096) * 4096) && allocation?.killed === true && outOfMemory,
      `the limit reads ${read.get("memory")} instead of ${limits.memoryBytes}; an allocation beyond it ${allocation?.killed === true ? "was ended" : "was not ended"}${outOfMemory ? "" : ", and the build did not fail by it"}`,
    ),
    cpu: expect(Math.abs(cpus - limits.cpus) < 0.01, `the quota reads ${cpus} CPUs instead of ${limits.cpus}`),
    pids: expect(
      is("pids", limits.pids) && fork?.refused === true,
      `the limit reads ${read.get("pids")} instead of ${limits.pids}; ${fork?.made} processes were made, ${fork?.refused === true ? "then one was refused" : "and none was refused"}`,
    ),
    ulimits: expect(
      is("nofile", 4096) && is("nproc", 4096) && is("core", 0),
      ulimits.map((name) => `${name}=${read.get(name)}`).join(" "),
    ),
  };
}

/** What a rule or a missing route answers. A refused connection is none of these: somebody's kernel answered it. */
const barred = ["EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EACCES", "EPERM", "EADDRNOTAVAIL", "ETIMEDOUT"];

/** What an attempt shows that should have been barred; undefined: it was. */
function findLeak(
  { hits }: Evidence,
  { attempts, unrouted }: Seen,
  which: (attempt: Attempt) => boolean,
  expected: number,
  allowed: readonly string[] = barred,
): string | undefined {
  const tried = attempts.filter(which);
  const leaks = tried.filter((attempt) => !allowed.includes(attempt.outcome) || hits.includes(format(attempt)));
  if (leaks.length > 0) return leaks.map((attempt) => `${format(attempt)}: ${attempt.outcome}`).join("; ");
  if (tried.length < expected)
    return `only ${tried.length} of ${expected} attempts were made; not on the link: ${[...unrouted].join(" ")}`;
  return undefined;
}

export function format(o: { protocol: string; address: string; port: number }): string {
  return `${o.protocol} ${o.address} ${o.port}`;
}

function judgeRanges(evidence: Evidence, seen: Seen): Record<string, string | undefined> {
  const proofs: Record<string, string | undefined> = {};
  for (const range of new Set(evidence.ranges.map((entry) => entry.range))) {
    const addresses = evidence.ranges.filter((entry) => entry.range === range).map(({ address }) => address);
    const multicast = range === "224.0.0.0/3" ? [multicastAddress] : [];
    proofs[`network_${range}`] = findLeak(
      evidence,
      seen,
      ({ address }) => addresses.includes(address) || multicast.includes(address),
      addresses.length * 2 + multicast.length,
    );
  }
  const leak6 = findLeak(evidence, seen, ({ address }) => address.includes(":"), addresses6.length);
  proofs["network_ipv6"] = leak6 ?? expect(seen.ipv6.length === 0, `it is on at ${seen.ipv6.join(" ")}`);
  const open = seen.attempts.filter(({ address }) => address === linkAddresses.open);
  proofs["network_control"] = expect(
    open.length === 2 && open.every(({ outcome }) => outcome === "token"),
    `an allowed address on the canary's own link: ${open.map((attempt) => `${attempt.protocol} ${attempt.outcome}`).join(", ")}`,
  );
  return proofs;
}

function judgeHost(evidence: Evidence, seen: Seen): Record<string, string | undefined> {
  return {
    network_gateway: findLeak(evidence, seen, ({ address }) => address === evidence.gateway, 1),
    network_host: findLeak(evidence, seen, ({ address }) => evidence.own.includes(address), evidence.own.length),
    // Its own loopback refuses; the machine's would give the token.
    network_loopback: findLeak(evidence, seen, ({ address }) => address === "127.0.0.1", 1, [...barred, "ECONNREFUSED"]),
  };
}

function judgeNames(evidence: Evidence, seen: Seen): Record<string, string | undefined> {
  return { network_dns: findLeak(evidence, seen, ({ address }) => address === linkAddresses.dns, 2) };
}

function judgeTarget({ target, dns }: Evidence, { target: seen }: Seen): Record<string, string | undefined> {
  if (target === undefined) return {};
  const name = `${target.host}:${target.port}`;
  return {
    network_resolver: expect(seen?.resolved === true, `${dns.join(" ")} did not resolve ${target.host}: ${seen?.said}`),
    network_target: expect(seen?.resolved !== true || seen.connected, `${name} does not answer: ${seen?.said}`),
  };
}
