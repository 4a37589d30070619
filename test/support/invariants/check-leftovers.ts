import { createHash } from "node:crypto";
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { mostWarm } from "#worker/sandbox/create-sandboxes.ts";
import { roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";
import type { Stack, StackWorker } from "../stack.ts";
import type { Finding } from "./finding.ts";
import { selectSites, type SiteRow } from "./select-sites.ts";

/** Those kept ready, and one for the canary while it proves. */
function countHolders({ limits }: StackWorker): number {
  return Math.min(limits.slots, mostWarm) + 1;
}

/** I5 at rest: no container of a build, network, mount, folder or file that nothing needs. */
export async function checkLeftovers(stack: Stack): Promise<Finding[]> {
  const sites = await selectSites(stack);
  const all = await Promise.all(
    stack.workers.map(async (worker) => {
      const own = sites.filter(({ environment }) => environment === worker.environment);
      const seen = [...(await findPodmanLeftovers(stack, worker)), ...(await findFileLeftovers(worker, own))];
      return seen.map((one): Finding => ({ invariant: "I5", where: worker.id, seen: one }));
    }),
  );
  return all.flat();
}

async function findPodmanLeftovers(stack: Stack, worker: StackWorker): Promise<string[]> {
  const { podman } = stack.podman;
  const networkName = `catapult-${createHash("sha256").update(worker.stateDirectory).digest("hex").slice(0, 8)}`;
  const filters = { label: [`${sandboxLabel}=${networkName}`] };
  const containers = await ask("list its containers", podman.listContainers({ all: true, filters }));
  const networks = await ask("list its networks", podman.listNetworks({ filters }));
  const builds = containers.filter(({ Labels }) => Labels[roleLabel] === "build");
  const holders = containers.filter(({ Labels }) => Labels[roleLabel] === "holder");
  const dead = containers.filter(({ State }) => State !== "running");
  const seen = builds.map(({ Id, Status }) => `container ${Id.slice(0, 12)} of a build, ${Status}`);
  seen.push(...dead.map(({ Id, Status }) => `container ${Id.slice(0, 12)} that does not run, ${Status}`));
  const mostHolders = countHolders(worker);
  if (holders.length > mostHolders) seen.push(`${holders.length} containers that hold a network`);
  if (networks.length > mostHolders) seen.push(`${networks.length} networks: ${networks.map(({ Name }) => Name).join(" ")}`);
  const known = new Set((await ask("list all containers", podman.listContainers({ all: true }))).map(({ Id }) => Id));
  for (const line of (await readFile("/proc/self/mountinfo", "utf8")).split("\n")) {
    const id = /overlay-containers\/([0-9a-f]{64})\//.exec(line)?.[1];
    if (id !== undefined && line.includes(networkName) && !known.has(id)) seen.push(`a mount of container ${id}, which is gone`);
  }
  return seen;
}

/** An engine that hangs must not hang the checker. */
async function ask<T>(what: string, call: Promise<T>): Promise<T> {
  return withDeadline(20_000, what, call);
}

async function findFileLeftovers(worker: StackWorker, sites: readonly SiteRow[]): Promise<string[]> {
  const seen: string[] = [];
  const { sitesDirectory: root, stateDirectory } = worker;
  const live = new Map(
    sites.filter(({ state, liveRelease }) => state === "wanted" && liveRelease !== null).map((one) => [one.host, one]),
  );
  for (const name of await list(join(root, "live"))) {
    const site = live.get(name);
    const target = await readlink(join(root, "live", name)).catch(() => "");
    if (site === undefined) seen.push(`the link live/${name} to ${target}, which no site needs`);
    else if (target !== `../sites/${site.id}/releases/${site.liveRelease}`)
      seen.push(`the link live/${name} leads to ${target}, and release ${site.liveRelease} of site ${site.id} is live`);
  }
  const ids = new Set([...live.values()].map(({ id }) => String(id)));
  for (const id of await list(join(root, "sites"))) {
    const releases = await list(join(root, "sites", id, "releases"));
    if (!ids.has(id) && releases.length > 0) seen.push(`the folder of site ${id}, which is not live, with ${releases.join(" ")}`);
    for (const name of releases) if (name.startsWith(".")) seen.push(`the temporary folder sites/${id}/releases/${name}`);
  }
  for (const name of await list(join(stateDirectory, "clones"))) seen.push(`the clone ${name}`);
  for (const folder of ["sites", "caches"])
    for (const name of await list(join(stateDirectory, folder)))
      if (name.endsWith(".tmp")) seen.push(`the temporary file ${folder}/${name}`);
  return seen;
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
