import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cacheKey, openCacheStore } from "#worker/build/cache-store.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-cache-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

test("A cache comes back whole with the packages it was saved for, over a restart too", async () => {
  const options = { folder, maxBytes: 100, totalBytes: 1_000 };
  const store = await openCacheStore(options);
  expect(await store.find("1-repository")).toBeUndefined();
  await store.save("1-repository", "id-1", Readable.from(["content"]));
  const found = await (await openCacheStore(options)).find("1-repository");
  expect(found?.packagesId).toBe("id-1");
  expect(found && (await text(found.open()))).toBe("content");
});

test("One that is too large is not kept, and does not replace what is there", async () => {
  const store = await openCacheStore({ folder, maxBytes: 10, totalBytes: 1_000 });
  await store.save("a", "id-1", Readable.from(["small"]));
  expect(await store.save("a", "id-2", Readable.from([Buffer.alloc(11)]))).toEqual({ saved: false });
  expect((await store.find("a"))?.packagesId).toBe("id-1");
  expect((await readdir(folder)).some((name) => name.endsWith(".tmp"))).toBe(false);
});

test("All together stay below their bound: those used longest ago go", async () => {
  const store = await openCacheStore({ folder, maxBytes: 100, totalBytes: 150 });
  for (const key of ["a", "b", "c"]) {
    await store.save(key, "id", Readable.from([Buffer.alloc(60)]));
    await new Promise((settle) => setTimeout(settle, 20));
  }
  expect(await store.find("a")).toBeUndefined();
  expect(await store.find("c")).toBeDefined();
});

test("No two repositories, no fork and repository, and no two forks share a cache", () => {
  const keys = [
    cacheKey({ repositoryId: 1n, trust: "repository", pullRequest: 3n }),
    cacheKey({ repositoryId: 1n, trust: "fork", pullRequest: 3n }),
    cacheKey({ repositoryId: 1n, trust: "fork", pullRequest: 4n }),
    cacheKey({ repositoryId: 2n, trust: "repository", pullRequest: 3n }),
  ];
  expect(new Set(keys).size).toBe(4);
  expect(cacheKey({ repositoryId: 1n, trust: "repository", pullRequest: 0n })).toBe(keys[0]);
});
