import { randomBytes } from "node:crypto";
import type Dockerode from "dockerode";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { listLeft, readFiles } from "#test/worker/sandbox/harness.ts";
import { createRequest, createSetup } from "#test/worker/sandbox/sandbox-setup.ts";
import { createCanary, type CanaryState } from "#worker/canary/create-canary.ts";
import { runCanary } from "#worker/canary/run-canary.ts";
import { runProven } from "#worker/canary/run-proven.ts";
import { watchEngine } from "#worker/canary/watch-engine.ts";
import { createSandboxes, type Sandboxes } from "#worker/sandbox/create-sandboxes.ts";
import { runInSandbox } from "#worker/sandbox/run-in-sandbox.ts";
import type { HolderSetup, SandboxResult } from "#worker/sandbox/sandbox-types.ts";

const log = createLogger({ name: "test", level: "silent" });
const repository = `localhost/cttest-${randomBytes(4).toString("hex")}`;
const tag = `${repository}:latest`;
let podman: TestPodman;
/** The builder image with one label more: other content by its id, the same inside. */
let otherId: string;
beforeAll(async () => {
  podman = await useTestPodman();
  const container = await podman.podman.createContainer({
    Image: podman.imageId,
    Cmd: ["true"],
    name: `${repository.slice(10)}-other`,
  });
  const made: { Id: string } = await container.commit({ repo: repository, tag: "other", changes: "LABEL catapult.test=other" });
  await container.remove();
  otherId = (await podman.podman.getImage(made.Id).inspect()).Id;
  await moveTag(podman.imageId);
}, podmanHookTimeout);
afterAll(async () => {
  for (const name of [tag, `${repository}:other`])
    await podman.podman
      .getImage(name)
      .remove()
      .catch(() => undefined);
  await podman.release();
});

async function moveTag(imageId: string): Promise<void> {
  await podman.podman.getImage(imageId).tag({ repo: repository, tag: "latest" });
}

/** Podman as it is, but each container that is made is told first. */
function spy(onCreate: (options: Dockerode.ContainerCreateOptions) => Promise<void> | void): Dockerode {
  return new Proxy(podman.podman, {
    get: (target, name) =>
      name === "createContainer"
        ? async (options: Dockerode.ContainerCreateOptions) => {
            await onCreate(options);
            return target.createContainer(options);
          }
        : (Reflect.get(target, name) as unknown),
  });
}

/** Runs a build with a look at the image that its containers really have. */
async function runLooked(
  setup: HolderSetup,
  run: (request: ReturnType<typeof createRequest>) => Promise<SandboxResult>,
): Promise<{ result: SandboxResult; images: Set<string> }> {
  const images = new Set<string>();
  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    const filters = { label: [`catapult.sandbox=${setup.networkName}`] };
    const all = await podman.podman.listContainers({ filters });
    for (const found of all.filter(({ Names }) => Names.some((name) => name.endsWith("-build") || name.endsWith("-holder"))))
      images.add((await podman.podman.getContainer(found.Id).inspect()).Image);
  };
  const result = await run(
    createRequest(setup, {
      command: "echo started; sleep 1.5; mkdir out; echo x >out/x",
      onLine: (line) => {
        if (line === "started") looking = look();
      },
    }),
  );
  await looking;
  if (result.ok) {
    await readFiles(result.output);
    await result.release();
  }
  return { result, images };
}

const plain = (id: string): string => id.replace(/^sha256:/, "");

test("A tag that moves while a sandbox is made changes nothing of it: holder and build are of one image, the one that is recorded", async () => {
  await moveTag(podman.imageId);
  const moving = spy(async (options) => {
    if (options.name?.endsWith("-holder") === true) await moveTag(otherId);
  });
  const setup = { ...createSetup(podman, moving), imageReference: tag };
  const { result, images } = await runLooked(setup, (request) => runInSandbox(request));
  expect(result).toMatchObject({ ok: true, imageId: podman.imageId });
  expect([...images].map(plain)).toEqual([plain(podman.imageId)]);
});

test("A build runs on the image that was proven, wherever the tag leads by then, and so do the networks that are kept ready", async () => {
  await moveTag(otherId);
  const setup = { ...createSetup(podman), imageReference: tag };
  const sandboxes = createSandboxes({ setup, slots: 1, log });
  try {
    sandboxes.start(podman.imageId);
    await sandboxes.pool.settled();
    expect(sandboxes.pool.size()).toBe(1);
    const made: string[] = [];
    const counting = spy((options) => void made.push(`${options.name?.split("-").at(-1)} ${options.Image}`));
    const state = (): CanaryState => ({ kind: "proven", imageId: podman.imageId });
    const { result, images } = await runLooked({ ...setup, podman: counting }, (request) =>
      runProven({ state, suspect: () => expect.unreachable() }, (build) => sandboxes.run(build), request),
    );
    expect(result).toMatchObject({ ok: true, imageId: podman.imageId });
    expect([...images].map(plain)).toEqual([plain(podman.imageId)]);
    // The one that was ready served it: no other holder was made for it.
    expect(made.filter((line) => !line.startsWith("look "))).toEqual([`build ${podman.imageId}`]);
    // A newly proven image takes the place of what was ready.
    await sandboxes.pool.settled();
    sandboxes.start(otherId);
    await eventually(async () => expect(await listHolders(setup, sandboxes)).toEqual([plain(otherId)]), 20_000);
  } finally {
    await sandboxes.stop();
  }
  expect(await listLeft(podman, setup.networkName)).toEqual([]);
});

async function listHolders(setup: HolderSetup, sandboxes: Sandboxes): Promise<string[]> {
  await sandboxes.pool.settled();
  const all = await podman.podman.listContainers({ filters: { label: [`catapult.sandbox=${setup.networkName}`] } });
  return all.map((found) => plain(found.ImageID));
}

test("An image that takes the tag is proven before anything is built on it, and then it is the one that is used", async () => {
  await moveTag(podman.imageId);
  const setup = { ...createSetup(podman), seccompProfile: podman.seccompProfile, imageReference: tag };
  const proven: string[] = [];
  const canary = createCanary({
    run: (signal) => runCanary({ ...setup, target: undefined, signal }),
    onProven: (imageId) => proven.push(imageId),
    log,
    schedule: { everyMs: 600_000, retryMs: 10, maxRetryMs: 10 },
  });
  let looks = 0;
  const looked = new Proxy(podman.podman, {
    get: (target, name) => {
      if (name === "listNetworks") looks += 1;
      return Reflect.get(target, name) as unknown;
    },
  });
  const watch = watchEngine({
    ...setup,
    podman: looked,
    onChange: (reason) => canary.suspect(reason),
    schedule: { reconnectMs: 50, lookMs: 100, blindMs: 100 },
  });
  try {
    await eventually(() => expect(canary.state()).toEqual({ kind: "proven", imageId: podman.imageId }), 60_000);
    // The second look begins when the first has told what it was before.
    await eventually(() => expect(looks).toBeGreaterThan(1), 30_000);
    await moveTag(otherId);
    await eventually(() => expect(canary.state().kind).toBe("running"), 30_000);
    const { result } = await runLooked(setup, (request) => runProven(canary, (build) => runInSandbox(build), request));
    expect(proven).toEqual([podman.imageId, otherId]);
    expect(result).toMatchObject({ ok: true, imageId: otherId });
  } finally {
    watch.stop();
    await canary.stop();
  }
}, 180_000);

test("A proven image that is gone is no image to build on: what there is now is proven first, and a build is tried once more", async () => {
  let imageId = `sha256:${"0".repeat(64)}`;
  const suspicions: string[] = [];
  const canary = {
    state: (): CanaryState => ({ kind: "proven", imageId }),
    suspect: (reason: string) => {
      suspicions.push(reason);
      imageId = podman.imageId;
    },
  };
  const { result } = await runLooked(createSetup(podman), (request) =>
    runProven(canary, (build) => runInSandbox(build), request),
  );
  expect(suspicions).toEqual(["the builder image that was proven is gone"]);
  expect(result).toMatchObject({ ok: true, imageId: podman.imageId });
});

test("Without a proof nothing is run", async () => {
  const state = (): CanaryState => ({ kind: "failed", proofs: ["seccomp"] });
  const request = createRequest(createSetup(podman), { command: "true" });
  const result = await runProven({ state, suspect: () => undefined }, () => expect.unreachable(), request);
  expect(result).toMatchObject({ ok: false, failure: { stage: "sandbox", reason: "isolation_not_proven" } });
});
