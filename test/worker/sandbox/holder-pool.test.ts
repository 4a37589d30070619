import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { holderKey, readHolderTerms, type Holder } from "#worker/sandbox/create-holder.ts";
import { execInside } from "#worker/sandbox/exec-inside.ts";
import { createHolderPool, type HolderPool, type HolderPoolOptions } from "#worker/sandbox/holder-pool.ts";
import { proveHolder } from "#worker/sandbox/prove-holder.ts";
import { releaseSandbox } from "#worker/sandbox/release-sandbox.ts";
import { runInSandbox } from "#worker/sandbox/run-in-sandbox.ts";
import type { HolderSetup } from "#worker/sandbox/sandbox-types.ts";
import { HolderError } from "#worker/sandbox/start-holder.ts";
import { listLeft, readFiles } from "./harness.ts";
import { createOwnService } from "./own-service.ts";
import { createRequest, createSetup } from "./sandbox-setup.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

type TestPool = { pool: HolderPool; made: Holder[]; errors: unknown[] };

/** Networks made before this machine got another address are rightly not used, and test files beside this one give it some: then once more. */
async function withPool(setup: HolderSetup, ...rest: Tail<Parameters<typeof withPoolOnce>>): Promise<void> {
  for (;;) {
    const key = holderKey(setup, await readHolderTerms(setup));
    try {
      return await withPoolOnce(setup, ...rest);
    } catch (error) {
      if (holderKey(setup, await readHolderTerms(setup)) === key) throw error;
    }
  }
}

type Tail<T extends readonly unknown[]> = T extends readonly [unknown, ...infer R] ? R : never;

async function withPoolOnce(
  setup: HolderSetup,
  o: Partial<HolderPoolOptions>,
  work: (test: TestPool) => Promise<void>,
): Promise<void> {
  const made: Holder[] = [];
  const errors: unknown[] = [];
  const pool = createHolderPool({
    setup,
    size: 1,
    onError: (error) => errors.push(error),
    afterMake: async (holder) => void made.push(holder),
    ...o,
  });
  try {
    pool.start(setup.imageReference);
    await pool.settled();
    await work({ pool, made, errors });
  } finally {
    await pool.stop();
  }
  expect(await listLeft(podman, setup.networkName)).toEqual([]);
}

/** Runs a build that tells its own address, by which its network is known. */
async function findAddress(setup: HolderSetup, pool: HolderPool): Promise<string> {
  const command = "mkdir out && ip -4 -o addr show dev eth0 | awk '{ print $4 }' >out/address";
  const result = await runInSandbox(createRequest(setup, { command }), pool);
  if (!result.ok) throw new Error(result.failure.message);
  const files = await readFiles(result.output);
  await result.release();
  return (files["address"] ?? "").trim();
}

const runningOf = async (holder: Holder): Promise<boolean> => (await holder.container.inspect()).State.Running;

test("no network is given twice, no more are kept than asked for, and a stop leaves nothing", async () => {
  const setup = createSetup(podman);
  await withPool(setup, { size: 2, refillDelayMs: 0 }, async ({ pool, made }) => {
    const key = holderKey(setup, await readHolderTerms(setup));
    const taken: Holder[] = [];
    for (let round = 0; round < 2; round += 1) {
      expect(pool.size()).toBe(2);
      for (let holder = pool.take(key); holder !== undefined; holder = pool.take(key)) taken.push(holder);
      expect(pool.size()).toBe(0);
      pool.refill();
      await pool.settled();
    }
    expect(taken).toHaveLength(4);
    expect(new Set(taken.map(({ names }) => names.network)).size).toBe(4);
    expect(made).toHaveLength(6);
    for (const holder of taken) await proveHolder(holder);
    await Promise.all(taken.map(async ({ names }) => releaseSandbox(podman.podman, names)));
  });
});

test("each of three builds in turn has a network of its own, and the pool fills itself again", async () => {
  const setup = createSetup(podman);
  await withPool(setup, {}, async ({ pool, made, errors }) => {
    const addresses: string[] = [];
    for (let run = 0; run < 3; run += 1) {
      addresses.push(await findAddress(setup, pool));
      await eventually(() => expect(pool.size()).toBe(1));
    }
    expect(new Set(addresses).size).toBe(3);
    expect([made.length, errors]).toEqual([4, []]);
  });
});

test("a network whose holder was killed while it waited is not used, and the build runs in another one", async () => {
  const setup = createSetup(podman);
  await withPool(setup, { size: 2 }, async ({ pool, made, errors }) => {
    await made[0]?.container.kill();
    expect(await findAddress(setup, pool)).toMatch(/^10\./);
    expect(errors).toEqual([expect.any(HolderError)]);
  });
});

test.each([
  ["emptied", ["nft", "flush", "ruleset"]],
  ["opened by one more", ["nft", "insert", "rule", "inet", "catapult", "output", "accept"]],
])("rules that were %s end their holder, and no build gets its network", async (_, change) => {
  const setup = createSetup(podman);
  await withPool(setup, {}, async ({ pool, made, errors }) => {
    const [holder] = made;
    if (holder === undefined) throw new Error("no holder was made");
    await execInside(holder.container, change, 1000).catch(() => undefined);
    await eventually(async () => expect(await runningOf(holder)).toBe(false));
    await expect(proveHolder(holder)).rejects.toThrow(HolderError);
    expect(await findAddress(setup, pool)).toMatch(/^10\./);
    expect(errors).toEqual([expect.any(HolderError)]);
  });
});

test("rules that differ from the loaded ones are no proof, even while the holder runs", async () => {
  const setup = createSetup(podman);
  await withPool(setup, {}, async ({ made }) => {
    const [holder] = made;
    if (holder === undefined) throw new Error("no holder was made");
    await proveHolder(holder);
    await expect(proveHolder({ ...holder, rules: holder.rules.replace("10.0.0.0/8, ", "") })).rejects.toThrow(HolderError);
  });
});

test("what was made before this machine got another address, image or certificate is removed, not used", async () => {
  const setup = createSetup(podman);
  const terms = await readHolderTerms(setup);
  const changed = [
    { ...terms, ownAddresses: [...terms.ownAddresses, "203.0.113.77"] },
    { ...terms, imageId: "another" },
    { ...terms, certificates: "another" },
  ];
  const keys = [terms, ...changed].map((each) => holderKey(setup, each));
  expect(new Set(keys).size).toBe(4);
  // The gateway of the next build's network is in a range that is blocked whole.
  expect(holderKey(setup, { ...terms, ownAddresses: [...terms.ownAddresses, "10.200.0.1"] })).toBe(keys[0]);
  await withPool(setup, { refillDelayMs: 60_000 }, async ({ pool, made }) => {
    expect(pool.take(keys[1] ?? "")).toBeUndefined();
    await pool.settled();
    await expect(made[0]?.container.inspect()).rejects.toThrow(/no such container/i);
  });
});

test("after the engine was gone and came back without its containers, no build uses one of them and new ones are made", async () => {
  const service = createOwnService("restarted");
  await service.start();
  const setup = createSetup(podman, connectPodman(service.socket));
  try {
    await withPool(setup, { tendMs: 300 }, async ({ pool, made }) => {
      await service.stop();
      const refused = await runInSandbox(createRequest(setup, { command: "true" }), pool);
      expect(refused).toMatchObject({ ok: false, failure: { stage: "sandbox" } });
      await podman.podman.getContainer(made[0]?.names.holder ?? "").remove({ force: true });
      await service.start();
      await eventually(() => expect([made.length > 1, pool.size()]).toEqual([true, 1]));
      expect(await findAddress(setup, pool)).toMatch(/^10\./);
    });
  } finally {
    await service.stop();
  }
});
