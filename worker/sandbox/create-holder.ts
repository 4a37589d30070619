import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type Dockerode from "dockerode";
import { callPodman, PodmanError } from "#worker/podman/podman-error.ts";
import { settleAll } from "#worker/podman/settle-all.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { chooseBridge } from "./choose-subnet.ts";
import { buildUser, describeHolder, describeVolume, type SandboxNames } from "./container-options.ts";
import { createNetwork } from "./create-network.ts";
import { packLayout } from "./pack-control.ts";
import { putArchive } from "./put-archive.ts";
import { readHostAddresses } from "./read-host-addresses.ts";
import { releaseSandbox } from "./release-sandbox.ts";
import { blockedRanges, renderRules } from "./render-rules.ts";
import type { HolderSetup } from "./sandbox-types.ts";
import { startHolder } from "./start-holder.ts";

const createDeadlineMs = 60_000;

/** The builder image is not in Podman's storage. */
export class SandboxImageError extends Error {
  override readonly name = "SandboxImageError";
}

/** What a holder is made from beside its setup; one made from other terms serves no build any more. */
export type HolderTerms = { imageId: string; ownAddresses: readonly string[]; certificates: string | undefined };

/** A network with its rules in force, and the volumes of one build. */
export type Holder = {
  names: SandboxNames;
  bridge: string;
  container: Dockerode.Container;
  /** Of setup and terms. */
  key: string;
  imageId: string;
  /** The kernel's own words for the rules, as the holder read them when they were loaded. */
  rules: string;
};

/** Looks at what may have changed since the last build: the image, this machine's addresses, the certificates. */
export async function readHolderTerms(setup: HolderSetup): Promise<HolderTerms> {
  const [imageId, ownAddresses, certificates] = await settleAll([
    findImageId(setup),
    readHostAddresses(setup),
    setup.caFile === undefined ? undefined : readFile(setup.caFile, "utf8"),
  ]);
  return { imageId, ownAddresses, certificates };
}

/** The same for two holders that can take each other's place. Addresses in ranges that are blocked anyway, such as other builds' gateways, do not count. */
export function holderKey(setup: HolderSetup, terms: HolderTerms): string {
  const { diskBytes } = setup.limits;
  const exposed = terms.ownAddresses.filter((address) => !isBlocked(address));
  const { dns, seccompProfile, networkName } = setup;
  return JSON.stringify([terms.imageId, exposed, terms.certificates, diskBytes, dns, seccompProfile, networkName]);
}

function isBlocked(address: string): boolean {
  return blockedRanges.some((range) => {
    const [base = "", length = ""] = range.split("/");
    const shift = 32 - Number(length);
    return toNumber(address) >>> shift === toNumber(base) >>> shift;
  });
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Makes a holder and waits until its rules are loaded. When it fails, nothing of it is left. */
export async function createHolder(setup: HolderSetup, terms: HolderTerms): Promise<Holder> {
  const id = randomBytes(6).toString("hex");
  const name = `${setup.networkName}-${id}`;
  const names: SandboxNames = {
    network: name,
    volume: `${name}-files`,
    store: `${name}-store`,
    holder: `${name}-holder`,
    build: `${name}-build`,
  };
  try {
    const [subnet] = await settleAll([
      createNetwork(setup.podman, { name: names.network, id, networkName: setup.networkName, labels: setup.labels }),
      createVolume(setup, names.volume, 0),
      createVolume(setup, names.store, buildUser),
    ]);
    const rules = renderRules({ dns: setup.dns, ownAddresses: [...terms.ownAddresses, subnet.gateway] });
    const container = await createContainer(setup.podman, describeHolder(setup, names, terms.imageId, rules));
    const loaded = await startHolder(container);
    await putArchive(container, "/build", packLayout(terms.certificates), "keep");
    return {
      names,
      bridge: chooseBridge(setup.networkName, id),
      container,
      key: holderKey(setup, terms),
      imageId: terms.imageId,
      rules: loaded,
    };
  } catch (error) {
    await releaseSandbox(setup.podman, names);
    throw error;
  }
}

export async function createContainer(
  podman: Dockerode,
  options: Dockerode.ContainerCreateOptions,
): Promise<Dockerode.Container> {
  return callPodman(`create the container ${options.name}`, async () =>
    withDeadline(createDeadlineMs, `create ${options.name}`, podman.createContainer(options)),
  );
}

/** What a tag, or an id, names now. */
export async function findImageId(setup: Pick<HolderSetup, "podman" | "imageReference">): Promise<string> {
  const attempt = `inspect the image ${setup.imageReference}`;
  try {
    const image = await callPodman(attempt, async () =>
      withDeadline(createDeadlineMs, attempt, setup.podman.getImage(setup.imageReference).inspect()),
    );
    return image.Id;
  } catch (cause) {
    if (!(cause instanceof PodmanError) || cause.statusCode !== 404) throw cause;
    throw new SandboxImageError(
      `Podman has no usable image ${setup.imageReference}: make it by \`catapult image build\` or bring it by \`catapult image import\``,
      { cause },
    );
  }
}

async function createVolume(setup: HolderSetup, name: string, owner: number): Promise<void> {
  const attempt = `create the volume ${name}`;
  await callPodman(attempt, async () =>
    withDeadline(createDeadlineMs, attempt, setup.podman.createVolume(describeVolume(name, setup, owner))),
  );
}
