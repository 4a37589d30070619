import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import path from "node:path";
import { derivePodmanPaths } from "#local/podman/podman-paths.ts";
import { sharedHome } from "#local/postgres/data-home.ts";
import { chooseBridge } from "#worker/sandbox/choose-subnet.ts";

export type UpTraces = {
  processes: { pid: number; command: string }[];
  mounts: string[];
  containers: string[];
  networks: string[];
  bridges: string[];
  files: string[];
};

export const noTraces: UpTraces = { processes: [], mounts: [], containers: [], networks: [], bridges: [], files: [] };

/** What there is on this machine of the `up` of a state folder that must be gone once it has stopped. */
export async function findUpTraces(stateDir: string): Promise<UpTraces> {
  const podman = derivePodmanPaths(stateDir);
  const places = [stateDir, podman.run, sharedHome(stateDir)];
  const isOurs = (text: string): boolean => places.some((place) => text.includes(place));
  // As the worker names its networks: another name here would be noticed by the test that sees one while a build runs.
  const prefix = `catapult-${createHash("sha256").update(path.join(stateDir, "worker")).digest("hex").slice(0, 8)}`;
  const bridge = chooseBridge(prefix, "");
  const mounts = (await readFile("/proc/self/mountinfo", "utf8"))
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll("\\040", " "));
  return {
    processes: await findProcesses(isOurs),
    mounts: mounts.filter(isOurs),
    containers: await listContainers(podman.storage),
    networks: (await list(podman.networks)).filter((name) => name.startsWith(prefix)),
    bridges: (await list("/sys/class/net")).filter((name) => name.startsWith(bridge)),
    files: [...(await list(podman.run)), ...(await list(stateDir)).filter((name) => name.startsWith("up.lock"))],
  };
}

async function findProcesses(isOurs: (text: string) => boolean): Promise<UpTraces["processes"]> {
  const pids = (await list("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
      const folder = await readlink(`/proc/${pid}/cwd`).catch(() => "");
      return isOurs(command) || isOurs(folder) ? [{ pid: Number(pid), command }] : [];
    }),
  );
  return found.flat();
}

/** Podman's own book of containers, which stands also when no service answers. */
async function listContainers(storage: string): Promise<string[]> {
  const text = await readFile(path.join(storage, "overlay-containers/containers.json"), "utf8").catch(() => "[]");
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map((each) => JSON.stringify(each)) : [text];
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
