import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { sweepSandboxes } from "#worker/sandbox/sweep-sandboxes.ts";
import { prepareSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import { startSandbox } from "#worker/sandbox/run-in-sandbox.ts";
import { build, listLeft, mebibyte, packFiles, readFiles } from "./harness.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

const limits = { memoryBytes: 512 * mebibyte, diskBytes: 256 * mebibyte, cpus: 1, pids: 128, timeoutMs: 60_000 };

/** Anew for each run of a test: what a failed one left is not this one's. */
const createName = (): string => `cttest-${randomBytes(4).toString("hex")}`;

test("files go in, are worked on, and come out byte for byte", async () => {
  const { files, result } = await build(podman, {
    files: { "site/in.txt": "öäü\n", "other.txt": "not in the site" },
    rootDir: "site",
    outputDir: "dist/www",
    command: "mkdir -p dist/www/deep; cp in.txt dist/www/deep/; touch dist/www/.hidden; ls /build/source >dist/www/list",
  });
  expect(files).toEqual({ "deep/in.txt": "öäü\n", ".hidden": "", list: "other.txt\nsite\n" });
  expect(result.imageId).toBe(podman.imageId);
});

test("the folder itself may be the output, and an output folder may lie behind a link within the repository", async () => {
  const whole = await build(podman, { files: { "a.html": "a" }, outputDir: ".", command: "echo b >b.html" });
  expect(whole.files).toEqual({ "a.html": "a", "b.html": "b\n" });
  const linked = await build(podman, { command: "mkdir real; echo c >real/c; ln -s real out" });
  expect(linked.files).toEqual({ c: "c\n" });
});

test("what a command leaves running ends with it", async () => {
  const { files } = await build(podman, { command: "mkdir out; echo x >out/x; (sleep 100; echo late >out/late) & disown" });
  expect(files).toEqual({ x: "x\n" });
});

test("a cache goes in from a tar and comes back out of a success", async () => {
  const networkName = createName();
  const setup = {
    podman: podman.podman,
    imageReference: podman.imageReference,
    limits,
    dns: ["192.0.2.53"],
    networkName,
    labels: {},
    signal: new AbortController().signal,
  };
  const result = await startSandbox(setup).run({
    writeSource: () => packFiles({}),
    rootDir: "",
    command: 'mkdir out; cp "$npm_config_cache/seeded" out/; echo new >"$npm_config_cache/added"',
    outputDir: "out",
    devshell: "vite",
    environment: {},
    cache: { seed: () => packFiles({ "npm/seeded": "old" }) },
    onLine: () => undefined,
  });
  if (!result.ok) throw new Error(result.failure.message);
  expect(await readFiles(result.output)).toEqual({ seeded: "old" });
  expect(await readFiles(await result.cache())).toMatchObject({ "npm/seeded": "old", "npm/added": "new\n" });
  await result.release();
  expect(await listLeft(podman, networkName)).toEqual([]);
});

test("a source that breaks off fails the build as the sandbox's failure", async () => {
  const { failure } = await build(podman, {
    command: "true",
    writeSource: () =>
      Readable.from(
        (async function* () {
          yield (await packFiles({ a: "a" }).toArray()).at(0);
          throw new Error("the clone is gone");
        })(),
        { objectMode: false },
      ),
  });
  expect(failure).toMatchObject({ stage: "sandbox", reason: "sandbox_failed" });
  expect(failure?.message).toContain("the clone is gone");
});

test("a sweep removes what a dead worker left, by its name only", async () => {
  const setup = (networkName: string) => ({
    podman: podman.podman,
    imageReference: podman.imageReference,
    limits,
    dns: [],
    networkName,
    labels: {},
    signal: new AbortController().signal,
  });
  const [dead, alive] = [createName(), createName()];
  const [, other] = [await prepareSandbox(setup(dead)), await prepareSandbox(setup(alive))];
  expect(await sweepSandboxes(podman.podman, dead)).toBe(5);
  expect(await listLeft(podman, dead)).toEqual([]);
  expect(await listLeft(podman, alive)).toHaveLength(5);
  await other.release();
  expect(await listLeft(podman, alive)).toEqual([]);
  expect(await sweepSandboxes(podman.podman, dead)).toBe(0);
});

test("builds at once do not meet: each has its own network", async () => {
  const command = "mkdir out; ip -4 -brief address show | grep -v ^lo | awk '{ print $3 }' >out/address";
  const all = await Promise.all([1, 2, 3].map(async () => build(podman, { command })));
  const addresses = all.map(({ files }) => files?.["address"]);
  expect(addresses.every((address) => /^10\.\d+\.\d+\.\d+\/29\n$/.test(address ?? ""))).toBe(true);
  expect(new Set(addresses).size).toBe(3);
});
