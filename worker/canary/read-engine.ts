import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { isOwnRemoval } from "#worker/sandbox/own-removals.ts";
import { canaryLabel, roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";

const callMs = 10_000;

/** What a look at the engine tells. Each part stays the same as long as earlier proofs are worth something. */
export type EngineLook = {
  /** Undefined: the image is not there, which readiness tells by itself. */
  imageId: string | undefined;
  /** The networks that no sandbox of any worker made. */
  networks: string;
  /** Version, kernel, runtime, cgroups and storage. */
  settings: string;
  /** Ids of this worker's holders that do not run any more, although it did not remove them. */
  endedHolders: string[];
};

/**
 * Looks at the engine by calls alone, for whatever its events did not tell. Rejects when it does not answer. It is not asked for its settings
 * where they are given: for one answer Podman runs four programs of the system's packages, 160 ms of a core (eight for one about its version), and a
 * look costs 10 ms else.
 */
export async function readEngine(
  o: { podman: Dockerode; imageReference: string; networkName: string },
  knownSettings?: string,
): Promise<EngineLook> {
  const filters = { label: [`${sandboxLabel}=${o.networkName}`, `${roleLabel}=holder`], status: ["exited"] };
  const [imageId, settings, networks, ended] = await Promise.all([
    ask("look for the image", async () => o.podman.getImage(o.imageReference).inspect()).then(
      (image) => image.Id,
      () => undefined,
    ),
    knownSettings ?? readSettings(o.podman),
    ask("list the networks", async () => o.podman.listNetworks()),
    ask("list the holders that ended", async () => o.podman.listContainers({ all: true, filters })),
  ]);
  return {
    imageId,
    settings,
    networks: JSON.stringify(
      networks
        .filter((network) => network.Labels?.[sandboxLabel] === undefined)
        .toSorted((a, b) => a.Name.localeCompare(b.Name))
        .map((network) => [network.Name, network.Id, network.Driver, network.Internal, network.IPAM?.Config]),
    ),
    endedHolders: ended
      .filter(({ Id, Names, Labels }) => Labels?.[canaryLabel] === undefined && !isOwnRemoval(Id, ...namesOf(Names)))
      .map(({ Id }) => Id)
      .toSorted(),
  };
}

async function readSettings(podman: Dockerode): Promise<string> {
  const info = await ask("ask for Podman's settings", async (): Promise<Record<string, unknown>> => podman.info());
  const names = [
    "ServerVersion",
    "KernelVersion",
    "CgroupDriver",
    "CgroupVersion",
    "DefaultRuntime",
    "DockerRootDir",
    "Driver",
    "SecurityOptions",
  ];
  return JSON.stringify(names.map((name) => info[name]));
}

async function ask<T>(what: string, call: () => Promise<T>): Promise<T> {
  return callPodman(what, async () => withDeadline(callMs, what, call()));
}

/** Docker writes a slash before each. */
function namesOf(names: readonly string[] | undefined): string[] {
  return (names ?? []).map((name) => name.replace(/^\//, ""));
}
