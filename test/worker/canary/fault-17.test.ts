import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "#common/logger.ts";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { listLeft, readFiles } from "#test/worker/sandbox/harness.ts";
import { createRequest, createSetup } from "#test/worker/sandbox/sandbox-setup.ts";
import { createCanary } from "#worker/canary/create-canary.ts";
import { runCanary } from "#worker/canary/run-canary.ts";
import { runProven } from "#worker/canary/run-proven.ts";
import { watchEngine } from "#worker/canary/watch-engine.ts";
import { createSandboxes } from "#worker/sandbox/create-sandboxes.ts";
import type { HolderSetup, SandboxRequest } from "#worker/sandbox/sandbox-types.ts";

const log = createLogger({ name: "test", level: "silent" });
let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

/** Flushes the rules of every network of this worker, kills and removes every container, and removes the networks: by Podman, not by the worker. */
async function wipe(setup: HolderSetup): Promise<void> {
  const filters = { label: [`catapult.sandbox=${setup.networkName}`] };
  const containers = await podman.podman.listContainers({ all: true, filters });
  const networks = await podman.podman.listNetworks({ filters });
  expect(containers.length).toBeGreaterThan(1);
  for (const { Id } of containers) {
    const container = podman.podman.getContainer(Id);
    const { Pid: pid } = (await container.inspect()).State;
    if (pid > 0)
      await runCommand([...elevation(), "nsenter", `--net=/proc/${pid}/ns/net`, "nft", "flush", "ruleset"]).catch(
        () => undefined,
      );
  }
  const ids = [...containers.filter(isBuild), ...containers.filter((each) => !isBuild(each))].map(({ Id }) => Id);
  for (const id of ids)
    await podman.podman
      .getContainer(id)
      .remove({ force: true })
      .catch(() => undefined);
  // The worker removes what it was cut off from as well: whoever is first.
  await eventually(async () => {
    for (const { Name } of networks)
      await podman.podman
        .getNetwork(Name)
        .remove()
        .catch(() => undefined);
    const left = new Set((await podman.podman.listNetworks({ filters })).map(({ Name }) => Name));
    expect(networks.filter(({ Name }) => left.has(Name))).toEqual([]);
  }, 20_000);
}

function isBuild(container: { Labels: Record<string, string> }): boolean {
  return container.Labels["catapult.role"] === "build";
}

test("fault 17 all containers are killed, networks and rules wiped: what ran fails, and isolation is proven again before any build", async () => {
  const setup = {
    ...createSetup(podman),
    seccompProfile: podman.seccompProfile,
    networkName: `cttest-${randomBytes(4).toString("hex")}`,
  };
  const sandboxes = createSandboxes({ setup, slots: 1, log });
  const order: string[] = [];
  const canary = createCanary({
    run: (signal) => runCanary({ ...setup, target: undefined, signal }),
    onProven: (imageId) => {
      order.push("proven");
      sandboxes.start(imageId);
    },
    log,
    schedule: { everyMs: 600_000, retryMs: 10, maxRetryMs: 10 },
  });
  const watch = watchEngine({
    ...setup,
    onChange: (reason) => {
      if (order.at(-1) !== "suspected") order.push("suspected");
      canary.suspect(reason);
    },
    // By events alone.
    schedule: { reconnectMs: 50, lookMs: 600_000, blindMs: 600_000 },
  });
  const run = (build: SandboxRequest) =>
    runProven(
      canary,
      (request) => {
        order.push("build");
        return sandboxes.run(request);
      },
      build,
    );
  try {
    await eventually(() => expect(canary.state().kind).toBe("proven"), 30_000);
    await eventually(() => expect(sandboxes.pool.size()).toBe(1), 20_000);
    let wiped: Promise<void> | undefined;
    const cut = await run(
      createRequest(setup, {
        command: "echo started; sleep 30; mkdir out; echo x >out/x",
        onLine: (line) => {
          if (line === "started") wiped ??= wipe(setup);
        },
      }),
    );
    await wiped;
    expect(cut.ok).toBe(false);
    await eventually(() => expect(order).toContain("suspected"), 10_000);
    const next = await run(createRequest(setup, { command: "mkdir out; echo well >out/x" }));
    if (!next.ok) throw new Error(next.failure.message);
    expect(await readFiles(next.output)).toEqual({ x: "well\n" });
    await next.release();
    const isExpected = /^(suspected,)*proven,build(,suspected|,proven)*,suspected,proven,build$/;
    expect(order.join(",")).toMatch(isExpected);
  } finally {
    watch.stop();
    await canary.stop();
    await sandboxes.stop();
  }
  await eventually(async () => expect(await listLeft(podman, setup.networkName)).toEqual([]));
}, 120_000);
