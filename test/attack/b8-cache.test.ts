import { existsSync } from "node:fs";
import { lstat, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attack, attackLimits, expectNextBuild } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { evenBudgets } from "#test/support/cache-budgets.ts";
import { packTar, type TarEntry } from "#test/support/tar.ts";
import { cacheKey, openCacheStore, type CacheStore } from "#worker/build/cache-store.ts";

let podman: TestPodman;
let folder: string;
let caches: CacheStore;
const mebibyte = 2 ** 20;
beforeAll(async () => {
  podman = await useTestPodman();
  folder = await mkdtemp(join(tmpdir(), "catapult-caches-"));
  caches = await openCacheStore({ folder, maxBytes: 8 * mebibyte, budgets: evenBudgets(64 * mebibyte) });
}, podmanHookTimeout);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await podman.release();
});

type Whose = Parameters<typeof cacheKey>[0];

/** One build with the cache of its own kind, as a worker does it; answers what it found there and leaves `mark` in it. */
async function buildWithCache(whose: Whose, mark: string): Promise<string> {
  const key = cacheKey(whose);
  const found = await caches.find(key);
  let seen = "";
  const { lines } = await attack(podman, {
    command: `cat $npm_config_cache/mark 2>/dev/null; mkdir -p out $npm_config_cache; echo ${mark} >$npm_config_cache/mark; echo x >out/x`,
    cache: found === undefined ? {} : { seed: found.open },
    read: async (result) => {
      result.output.resume();
      await caches.save(key, "packages", await result.cache());
    },
  });
  seen = lines.slice(1).join();
  return seen;
}

test("B8 a fork's or another repository's build changes no cache but its own", async () => {
  const trusted: Whose = { repositoryId: 1n, trust: "repository", pullRequest: 0n };
  expect(await buildWithCache(trusted, "good")).toBe("");
  for (const other of [
    { repositoryId: 1n, trust: "fork", pullRequest: 1n },
    { repositoryId: 1n, trust: "fork", pullRequest: 2n },
    { repositoryId: 2n, trust: "repository", pullRequest: 0n },
    { repositoryId: 11n, trust: "fork", pullRequest: 0n },
  ] as const)
    expect([other, await buildWithCache(other, "poison")]).toEqual([other, ""]);
  expect(await buildWithCache(trusted, "good again")).toBe("good");
});

const bad: [name: string, entries: TarEntry[]][] = [
  [
    "a link to the host's folder, then a file through it",
    [
      { name: "npm", type: "symlink", linkname: "/etc" },
      { name: "npm/attacked", body: "x" },
    ],
  ],
  [
    "a link upwards, then a file through it",
    [
      { name: "up", type: "symlink", linkname: "../../../../../../tmp" },
      { name: "up/attacked", body: "x" },
    ],
  ],
  ["names with ..", [{ name: "../../../../../../../tmp/attacked", body: "x" }]],
  ["an absolute name", [{ name: "/tmp/attacked", body: "x" }]],
  ["a hard link to the host's file", [{ name: "passwd", type: "link", linkname: "/etc/passwd" }]],
  ["a hard link upwards", [{ name: "passwd", type: "link", linkname: "../../../../../../etc/passwd" }]],
  ["a device", [{ name: "disk", type: "character-device" }]],
  ["a FIFO where a file is read", [{ name: "npm", type: "fifo" }]],
];

test.each(bad)("B8 a cache's tar with %s hurts neither the host nor the rules of the build", async (_, entries) => {
  const tar = await packTar(entries);
  const passwd = await stat("/etc/passwd");
  const { failure, lines } = await attack(podman, {
    command:
      "find /build/cache -type f -links +1; for f in /build/cache/*; do [ -c $f ] && head -c 1 $f; done; cat /build/cache/passwd 2>/dev/null | grep root:; mkdir out; echo x >out/x",
    cache: { seed: () => Readable.from([tar]) },
  });
  // A tar that cannot be unpacked may fail the build as the sandbox's fault; it must not do more.
  expect(["sandbox", undefined]).toContain(failure?.stage);
  expect(lines.slice(1).filter((line) => line.includes("root:x:0:0") && line.includes("/bin/"))).toEqual([]);
  for (const file of ["/etc/attacked", "/tmp/attacked", "/attacked"]) expect([file, existsSync(file)]).toEqual([file, false]);
  expect((await lstat("/etc/passwd")).nlink).toBe(passwd.nlink);
});

test("B8 a cache that unpacks to more than the disk, and one that a build blows up, stay within their caps", async () => {
  // Podman unpacks what is compressed: a thousandth of it is sent.
  const bomb = gzipSync(await packTar([{ name: "npm/zeros", body: Buffer.alloc(80 * mebibyte) }]), { level: 1 });
  expect(bomb.length).toBeLessThan(mebibyte);
  const { failure } = await attack(podman, {
    command: "mkdir out; du -sm /build/cache | cut -f1 >out/x",
    limits: { ...attackLimits, diskBytes: 64 * mebibyte },
    cache: { seed: () => Readable.from([bomb]) },
  });
  expect(failure).toMatchObject({ stage: "sandbox", reason: "sandbox_failed" });
  let saved: boolean | undefined;
  await attack(podman, {
    command: "mkdir -p out $npm_config_cache; echo x >out/x; truncate -s 1T $npm_config_cache/sparse",
    limits: attackLimits,
    read: async (result) => {
      result.output.resume();
      saved = (await caches.save("99-repository", "packages", await result.cache())).saved;
    },
  });
  expect(saved).toBe(false);
  expect((await readdir(folder)).filter((name) => name.startsWith("99-"))).toEqual([]);
  await expectNextBuild(podman);
});
