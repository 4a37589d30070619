import { randomBytes } from "node:crypto";
import { lstat, mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGitServer } from "#test/support/git-server.ts";
import { mountLoopDisk, type LoopDisk } from "#test/support/loop-disk.ts";
import { packFiles } from "#test/support/tar.ts";
import { describeFailure } from "#worker/accept/describe-failure.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";
import { evenBudgets } from "#test/support/cache-budgets.ts";
import { openCacheStore } from "#worker/build/cache-store.ts";
import { fetchCommit, type Clone } from "#worker/clone/fetch-commit.ts";
import { switchLiveLink } from "#worker/publish/live-link.ts";
import { publishRelease } from "#worker/publish/publish-release.ts";
import { liveFolder, sitePaths } from "#worker/publish/site-paths.ts";
import { Stage } from "#gen/catapult/v1/deployment_pb.js";

/** 4 MiB and 200 names. */
let loop: LoopDisk;
let disk: string;
beforeAll(async () => {
  loop = await mountLoopDisk({ bytes: 4 * 2 ** 20, inodes: 200 });
  disk = loop.folder;
});
afterAll(async () => loop?.remove());

async function publish(sitesDir: string, release: string, files: Record<string, string | Buffer>): Promise<void> {
  const tar = await packFiles(files);
  await publishRelease({
    sitesDir,
    siteId: 1n,
    release,
    newestMtime: 0,
    tar: () => Readable.from(readSlowly(tar)),
    limits: { maxBytes: 2 ** 30, maxFiles: 100_000 },
    signal: new AbortController().signal,
  });
}

/** As it comes out of a container: more of it is on its way while the disk refuses what came before. */
async function* readSlowly(tar: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < tar.length; at += 65_536) {
    await setImmediate();
    yield tar.subarray(at, at + 65_536);
  }
}

const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`f${index}`, "x"]));

test.each([
  ["fault 23 bytes", { big: Buffer.alloc(8 * 2 ** 20, 1) }],
  ["fault 26 names", many],
])(
  "%s that the worker's disk has not: the old release stays live and whole, the new one leaves nothing, and the failure says disk",
  async (kind, files) => {
    const sitesDir = join(disk, kind.replaceAll(" ", "-"));
    await mkdir(liveFolder(sitesDir), { recursive: true });
    await publish(sitesDir, "1-0a1b2c3d", { "index.html": "old" });
    await switchLiveLink(sitesDir, "a.example", 1n, "1-0a1b2c3d");
    const error: unknown = await publish(sitesDir, "2-0a1b2c3d", files).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(describeFailure(error, Stage.PUBLISH)).toMatchObject({
      own: true,
      failure: { reason: "worker_disk_full", stage: Stage.PUBLISH },
    });
    expect(await readFile(join(liveFolder(sitesDir), "a.example/index.html"), "utf8")).toBe("old");
    expect(await readdir(sitePaths(sitesDir, 1n).releases)).toEqual(["1-0a1b2c3d"]);
    await publish(sitesDir, "3-0a1b2c3d", { "index.html": "new" });
    await rm(sitesDir, { recursive: true, force: true });
  },
);

test("fault 22 a clone that the worker's disk has no room for fails by the disk's name and leaves nothing, and the next one succeeds", async () => {
  const server = await startGitServer();
  const clonesDir = join(disk, "clones");
  const fetch = async (commit: string): Promise<Clone> =>
    fetchCommit({
      baseUrl: server.url,
      repository: "acme/site",
      commit,
      token: "",
      clonesDir,
      limits: { timeoutMs: 20_000, maxFileBytes: 2 ** 30 },
      signal: new AbortController().signal,
    });
  try {
    const large = await server.commit("acme/site", { big: randomBytes(8 * 2 ** 20).toString("base64") });
    const error: unknown = await fetch(large).catch((reason: unknown) => reason);
    expect(describeFailure(error, Stage.CLONE)).toMatchObject({
      own: true,
      failure: { reason: "worker_disk_full", stage: Stage.CLONE },
    });
    expect(await readdir(clonesDir)).toEqual([]);
    const small = await fetch(await server.commit("acme/site", { big: "small" }));
    await small.remove();
  } finally {
    await server.stop();
  }
});

test("fault 24 a generation that cannot be made durable is not taken, and what was known before stays", async () => {
  const states = join(disk, "states");
  const store = await openSiteStore(states);
  const state = { siteId: 1n, host: "a.example", kind: "preview" as const, generation: 1n, newestMtime: 0, changedAt: 1 };
  await store.withLock(1n, async () => store.put(state));
  await loop.leave(0);
  await expect(store.withLock(1n, async () => store.put({ ...state, generation: 2n }))).rejects.toMatchObject({ code: "ENOSPC" });
  expect(store.get(1n)?.generation).toBe(1n);
  await loop.free();
  expect((await openSiteStore(states)).get(1n)?.generation).toBe(1n);
  await store.withLock(1n, async () => store.put({ ...state, generation: 3n }));
  expect((await openSiteStore(states)).get(1n)?.generation).toBe(3n);
});

test("fault 23 a cache that the worker's disk has no room for leaves the one before, and no part of itself", async () => {
  const caches = await openCacheStore({ folder: join(disk, "caches"), maxBytes: 2 ** 30, budgets: evenBudgets(2 ** 30) });
  await caches.save("1-repository", "old", Readable.from([await packFiles({ a: "1" })]));
  await expect(caches.save("1-repository", "new", Readable.from([randomBytes(8 * 2 ** 20)]))).rejects.toMatchObject({
    code: "ENOSPC",
  });
  expect((await caches.find("1-repository"))?.contentId).toBe("old");
  expect((await readdir(join(disk, "caches"))).toSorted()).toEqual(["1-repository.id", "1-repository.tar"]);
  expect((await lstat(disk)).isDirectory()).toBe(true);
});
