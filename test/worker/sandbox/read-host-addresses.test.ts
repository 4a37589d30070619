import { randomBytes } from "node:crypto";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { listOwnAddresses } from "#worker/sandbox/choose-subnet.ts";
import { readHostAddresses } from "#worker/sandbox/read-host-addresses.ts";
import { listLeft } from "./harness.ts";
import { createSetup } from "./sandbox-setup.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

const stable = listOwnAddresses(networkInterfaces()).filter((address) => !address.startsWith("10."));

test("a worker in the network of Podman's host knows the host's addresses, and leaves nothing of its look", async () => {
  const setup = createSetup(podman);
  expect(await readHostAddresses(setup)).toEqual(expect.arrayContaining(stable));
  expect(await listLeft(podman, setup.networkName)).toEqual([]);
});

test("a worker in a network of its own, with nothing but Podman's socket, still bars builds from the addresses of Podman's host", async () => {
  const { networkName } = createSetup(podman);
  const space = `cttest-${randomBytes(4).toString("hex")}`;
  const ip = [...elevation(), "ip", "netns"];
  await runCommand([...ip, "add", space]);
  try {
    const script = join(import.meta.dirname, "print-rules.ts");
    const rules = await runCommand([
      ...ip,
      "exec",
      space,
      process.execPath,
      script,
      podman.socket,
      podman.imageReference,
      networkName,
    ]);
    expect(stable.length).toBeGreaterThan(0);
    for (const address of stable) expect(rules).toContain(`ip daddr ${address} reject`);
  } finally {
    await runCommand([...ip, "delete", space]);
  }
  expect(await listLeft(podman, networkName)).toEqual([]);
});
