import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { createHolder, readHolderTerms } from "#worker/sandbox/create-holder.ts";
import { removeOwed } from "#worker/sandbox/owed-removals.ts";
import { releaseSandbox, removeContainer } from "#worker/sandbox/release-sandbox.ts";
import { listLeft } from "./harness.ts";
import { createOwnService } from "./own-service.ts";
import { createSetup } from "./sandbox-setup.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

test("what Podman did not remove while it was away is removed once it is back, and nothing twice", async () => {
  const service = createOwnService("owed");
  await service.start();
  const setup = createSetup(podman, connectPodman(service.socket));
  const { names } = await createHolder(setup, await readHolderTerms(setup));
  await service.stop();
  await expect(releaseSandbox(setup.podman, names)).rejects.toThrow("Could not remove");
  await expect(removeContainer(setup.podman, `${setup.networkName}-never-made`)).rejects.toThrow("Could not remove");
  expect(await listLeft(podman, setup.networkName)).not.toEqual([]);
  await service.start();
  try {
    expect(await removeOwed(setup.podman)).toBe(2);
    expect(await listLeft(podman, setup.networkName)).toEqual([]);
    expect(await removeOwed(setup.podman)).toBe(0);
  } finally {
    await service.stop();
  }
});
