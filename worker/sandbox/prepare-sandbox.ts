import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { settleAll } from "#worker/podman/settle-all.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { listOwnAddresses } from "./choose-subnet.ts";
import { buildUser, describeBuild, describeHolder, describeVolume, type SandboxNames } from "./container-options.ts";
import { createNetwork } from "./create-network.ts";
import { packLayout } from "./pack-control.ts";
import { putArchive } from "./put-archive.ts";
import { releaseSandbox } from "./release-sandbox.ts";
import { renderRules } from "./render-rules.ts";
import type { SandboxSetup } from "./sandbox-types.ts";
import { startHolder } from "./start-holder.ts";

const createDeadlineMs = 60_000;

/** The builder image is not in Podman's storage. */
export class SandboxImageError extends Error {
  override readonly name = "SandboxImageError";
}

/** A sandbox that stands, with its network shut by the rules, and waits for its source. */
export type PreparedSandbox = {
  setup: SandboxSetup;
  imageId: string;
  holder: Dockerode.Container;
  build: Dockerode.Container;
  prepareMs: number;
  /** Removes all of it; once, however often it is called. */
  release(): Promise<void>;
};

/**
 * Sets up all that does not depend on the source, so that it can be done while the clone still runs. Whoever prepares must either run
 * or release it. When it fails, nothing of it is left.
 */
export async function prepareSandbox(setup: SandboxSetup): Promise<PreparedSandbox> {
  const started = performance.now();
  const id = randomBytes(6).toString("hex");
  const name = `${setup.networkName}-${id}`;
  const names: SandboxNames = {
    network: name,
    volume: `${name}-files`,
    store: `${name}-store`,
    holder: `${name}-holder`,
    build: `${name}-build`,
  };
  let released: Promise<void> | undefined;
  const release = async (): Promise<void> => (released ??= releaseSandbox(setup.podman, names));
  try {
    const imageId = await findImageId(setup);
    const { holder, build } = await createAll(setup, names, id);
    return { setup, imageId, holder, build, prepareMs: performance.now() - started, release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function findImageId(setup: SandboxSetup): Promise<string> {
  try {
    return (await withDeadline(createDeadlineMs, "inspect the image", setup.podman.getImage(setup.imageReference).inspect())).Id;
  } catch (cause) {
    throw new SandboxImageError(
      `Podman has no usable image ${setup.imageReference}: make it by \`catapult image build\` or bring it by \`catapult image import\``,
      { cause },
    );
  }
}

async function createAll(
  setup: SandboxSetup,
  names: SandboxNames,
  id: string,
): Promise<{ holder: Dockerode.Container; build: Dockerode.Container }> {
  const { podman } = setup;
  const [subnet, certificates] = await settleAll([
    createNetwork(podman, { name: names.network, id, networkName: setup.networkName, labels: setup.labels }),
    setup.caFile === undefined ? undefined : readFile(setup.caFile, "utf8"),
    createVolume(setup, names.volume, 0),
    createVolume(setup, names.store, buildUser),
  ]);
  const rules = renderRules({ dns: setup.dns, ownAddresses: [...listOwnAddresses(networkInterfaces()), subnet.gateway] });
  const create = async (options: Dockerode.ContainerCreateOptions): Promise<Dockerode.Container> =>
    callPodman(`create the container ${options.name}`, async () =>
      withDeadline(createDeadlineMs, `create ${options.name}`, podman.createContainer(options)),
    );
  const holder = await create(describeHolder(setup, names, rules));
  // The build's container needs the holder to exist, not to run.
  const [, build] = await settleAll([startHolder(holder), create(describeBuild(setup, names))]);
  await putArchive(holder, "/build", packLayout(certificates), "keep");
  return { holder, build };
}

async function createVolume(setup: SandboxSetup, name: string, owner: number): Promise<void> {
  const attempt = `create the volume ${name}`;
  await callPodman(attempt, async () =>
    withDeadline(createDeadlineMs, attempt, setup.podman.createVolume(describeVolume(name, setup, owner))),
  );
}
