import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type Dockerode from "dockerode";
import { elevation } from "#local/podman/elevation.ts";
import { derivePodmanPaths } from "#local/podman/podman-paths.ts";
import { testStateDir } from "#test/support/podman.ts";
import { chooseBridge } from "#worker/sandbox/choose-subnet.ts";
import { buildUser } from "#worker/sandbox/container-options.ts";
import { roleLabel, sandboxLabel, type Role } from "#worker/sandbox/sandbox-labels.ts";

const run = promisify(execFile);

/** Settings of the kernel that are the same in every container: a build that changes one has left its box. */
const kernelSettings = [
  ...["core_pattern", "modprobe", "hostname", "domainname", "randomize_va_space", "sysrq", "panic"].map(
    (name) => `kernel/${name}`,
  ),
  "kernel/unprivileged_bpf_disabled",
  "vm/overcommit_memory",
  "fs/suid_dumpable",
  "net/ipv4/ip_forward",
].map((name) => `/proc/sys/${name}`);
const hostFiles = ["/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc/resolv.conf", "/etc/crontab", "/etc/ld.so.preload"];
/** Where anybody may write: what a build left there would be its user's. */
const openFolders = ["/tmp", "/var/tmp", "/dev/shm", "/run"];

export type HostWatch = {
  /** The client to give to the sandbox: it remembers what was made by it. */
  podman: Dockerode;
  /** The container of this role; the sandbox may make others for a moment. */
  find(role: Role): Dockerode.Container;
  /** What of it is still on the host, and what of the host is not as it was; empty: nothing. */
  findTraces(): Promise<string[]>;
};

type Made = { labels: Record<string, string>; container: Dockerode.Container };
const spies = new WeakMap<Dockerode, { client: Dockerode; made: Made[] }>();

/** A client that remembers what is made by it: one for all watches, since the worker looks at Podman's host once for each client that it has. */
function spyOn(podman: Dockerode): { client: Dockerode; made: Made[] } {
  const known = spies.get(podman);
  if (known !== undefined) return known;
  const made: Made[] = [];
  const client = new Proxy(podman, {
    get(target, property) {
      if (property !== "createContainer") {
        const value: unknown = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (options: Dockerode.ContainerCreateOptions) => {
        const container = await target.createContainer(options);
        made.push({ labels: options.Labels ?? {}, container });
        return container;
      };
    },
  });
  spies.set(podman, { client, made });
  return { client, made };
}

/**
 * Watches the host over one build. The machine is shared with other builds, so what is looked for is what bears the build's own marks:
 * its containers' ids in processes, mounts and storage, its network's name in links and rules, its user in the open folders.
 */
export async function watchHost(podman: Dockerode, networkName: string): Promise<HostWatch> {
  const before = await readHost();
  const { client, made } = spyOn(podman);
  const containers = (): readonly Made[] => made.filter(({ labels }) => labels[sandboxLabel] === networkName);
  return {
    podman: client,
    find(role) {
      const found = containers().findLast(({ labels }) => labels[roleLabel] === role);
      if (found === undefined) throw new Error(`no ${role} was made`);
      return found.container;
    },
    async findTraces() {
      const ids = containers().map(({ container }) => container.id);
      const traces = [
        ...(await findProcesses(ids)),
        ...(await findMounts([...ids, networkName])),
        ...(await findLinks(networkName)),
        ...(await findStored(ids, networkName)),
        ...(await findOwned()),
      ];
      const after = await readHost();
      for (const [name, value] of before) if (after.get(name) !== value) traces.push(`${name} is not as it was`);
      return traces;
    },
  };
}

/** Settings of the kernel and files that decide on the whole host. */
export async function readHost(): Promise<Map<string, string>> {
  const state = new Map<string, string>();
  for (const file of [...kernelSettings, ...hostFiles]) state.set(file, await readFile(file, "latin1").catch(() => "absent"));
  return state;
}

async function findProcesses(ids: readonly string[]): Promise<string[]> {
  const traces: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const read = async (name: string): Promise<string> => readFile(`/proc/${pid}/${name}`, "latin1").catch(() => "");
    const command = await read("cmdline");
    const text = command + (await read("cgroup"));
    if (ids.some((id) => text.includes(id))) traces.push(`process ${pid}: ${text.slice(0, 200).replaceAll("\0", " ")}`);
  }
  return traces;
}

async function findMounts(marks: readonly string[]): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return mounts.filter((line) => marks.some((mark) => line.includes(mark))).map((line) => `mount ${line}`);
}

async function findLinks(networkName: string): Promise<string[]> {
  const bridges = chooseBridge(networkName, "");
  const links = (await readdir("/sys/class/net")).filter((name) => name.startsWith(bridges)).map((name) => `link ${name}`);
  const nft = [...elevation(), "nft", "list", "ruleset"];
  const { stdout } = await run(nft[0] ?? "nft", nft.slice(1), { maxBuffer: 64 * 2 ** 20 }).catch(() => ({ stdout: "" }));
  const rules = stdout.split("\n").filter((line) => line.includes(networkName));
  return [...links, ...rules.map((rule) => `rule ${rule.trim()}`)];
}

async function findStored(ids: readonly string[], networkName: string): Promise<string[]> {
  const paths = derivePodmanPaths(testStateDir);
  const folders = ids.map((id) => path.join(paths.storage, "overlay-containers", id));
  const named = await Promise.all(
    [path.join(paths.storage, "volumes"), paths.networks].map(async (folder) =>
      (await readdir(folder).catch(() => [])).filter((name) => name.includes(networkName)).map((name) => path.join(folder, name)),
    ),
  );
  return [...folders.filter((folder) => existsSync(folder)), ...named.flat()].map((file) => `stored ${file}`);
}

async function findOwned(): Promise<string[]> {
  const args = [...openFolders, "-xdev", "-maxdepth", "3", "-uid", String(buildUser)];
  const { stdout } = await run("find", args, { maxBuffer: 16 * 2 ** 20 }).catch((error: { stdout?: string }) => ({
    stdout: error.stdout ?? "",
  }));
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((file) => `a file of the build's user: ${file}`);
}
