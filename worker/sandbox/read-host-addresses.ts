import { randomBytes } from "node:crypto";
import { readFile, readlink } from "node:fs/promises";
import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { describeLook } from "./container-options.ts";
import { followOutput } from "./follow-output.ts";
import { parseLocalRoutes, readOwnAddresses } from "./own-addresses.ts";
import { removeContainer } from "./release-sandbox.ts";
import type { HolderSetup } from "./sandbox-types.ts";

const deadlineMs = 30_000;
/** A look takes 300 ms, so a worker in a network namespace of its own does not take one for each build. */
const keepMs = 60_000;
const listingLimit = 4 * 2 ** 20;

type Look = { isOwn: boolean; addresses: string[]; at: number };
const looks = new WeakMap<Dockerode, Promise<Look>>();

/**
 * Every address of Podman's host, which no build may reach. Where this worker shares the host's network these are its own, read anew
 * each time; a worker in a container that has only Podman's socket must ask from a container in the host's network.
 */
export async function readHostAddresses(setup: HolderSetup): Promise<string[]> {
  const own = await readOwnAddresses();
  let look = await lookOnce(setup);
  if (!look.isOwn && performance.now() - look.at > keepMs) {
    looks.delete(setup.podman);
    look = await lookOnce(setup);
  }
  return look.isOwn ? own : [...new Set([...own, ...look.addresses])].toSorted();
}

async function lookOnce(setup: HolderSetup): Promise<Look> {
  const known = looks.get(setup.podman);
  if (known !== undefined) return known;
  const looking = lookFromHost(setup);
  looks.set(setup.podman, looking);
  // What failed is tried again by the next.
  looking.catch(() => looks.delete(setup.podman));
  return looking;
}

async function lookFromHost(setup: HolderSetup): Promise<Look> {
  const name = `${setup.networkName}-${randomBytes(6).toString("hex")}-look`;
  const attempt = "look at the addresses of Podman's host";
  let said = "";
  try {
    await callPodman(attempt, async () => {
      const container = await withDeadline(deadlineMs, attempt, setup.podman.createContainer(describeLook(setup, name)));
      const output = await followOutput(container, (stream, chunk) => {
        if (stream === "stdout" && said.length < listingLimit) said += chunk.toString("latin1");
      });
      await withDeadline(deadlineMs, attempt, container.start());
      await withDeadline(deadlineMs, attempt, output.end);
    });
  } finally {
    await removeContainer(setup.podman, name);
  }
  const [namespace, boot, ...routes] = said.split("\n");
  const addresses = parseLocalRoutes(routes.join("\n"));
  if (!/^net:\[\d+\]$/.test(namespace ?? "") || addresses.length === 0)
    throw new Error(`Could not ${attempt}: the container said ${JSON.stringify(said.slice(0, 200))}`);
  const isOwn =
    namespace === (await readlink("/proc/self/ns/net")) &&
    boot === (await readFile("/proc/sys/kernel/random/boot_id", "latin1")).trim();
  return { isOwn, addresses, at: performance.now() };
}
