import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { evenBudgets } from "#test/support/cache-budgets.ts";
import { eventually } from "#test/support/eventually.ts";
import { cacheKey, openCacheStore } from "#worker/build/cache-store.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-cache-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

test("A cache comes back whole with the packages it was saved for, over a restart too", async () => {
  const options = { folder, maxBytes: 100, budgets: evenBudgets(1_000) };
  const store = await openCacheStore(options);
  expect(await store.find("1-repository")).toBeUndefined();
  await store.save("1-repository", "id-1", Readable.from(["content"]));
  const found = await (await openCacheStore(options)).find("1-repository");
  expect(found?.contentId).toBe("id-1");
  expect(found && (await text(found.open()))).toBe("content");
});

test("One that is too large is not kept, and does not replace what is there", async () => {
  const store = await openCacheStore({ folder, maxBytes: 10, budgets: evenBudgets(1_000) });
  await store.save("1-repository", "id-1", Readable.from(["small"]));
  expect(await store.save("1-repository", "id-2", Readable.from([Buffer.alloc(11)]))).toEqual({ saved: false });
  expect((await store.find("1-repository"))?.contentId).toBe("id-1");
  expect((await readdir(folder)).some((name) => name.endsWith(".tmp"))).toBe(false);
});

test("A save that is ended midway leaves nothing behind, does not replace what is there, and stops reading", async () => {
  const store = await openCacheStore({ folder, maxBytes: 100, budgets: evenBudgets(1_000) });
  await store.save("1-repository", "id-1", Readable.from(["small"]));
  const ending = new AbortController();
  const endless = new Readable({ read: () => undefined });
  endless.push("begun");
  const saving = store.save("1-repository", "id-2", endless, ending.signal);
  await eventually(async () => expect((await readdir(folder)).some((name) => name.endsWith(".tmp"))).toBe(true));
  ending.abort();
  await expect(saving).rejects.toThrow("aborted");
  expect(endless.destroyed).toBe(true);
  expect((await store.find("1-repository"))?.contentId).toBe("id-1");
  expect((await readdir(folder)).some((name) => name.endsWith(".tmp"))).toBe(false);
});

test("All together stay below their bound: what one repository has too much of goes, that used longest ago first", async () => {
  const store = await openCacheStore({ folder, maxBytes: 100, budgets: evenBudgets(150) });
  for (const key of ["1-fork-1", "1-fork-2", "1-fork-3"]) {
    await store.save(key, "id", Readable.from([Buffer.alloc(60)]));
    await new Promise((settle) => setTimeout(settle, 20));
  }
  expect(await store.find("1-fork-1")).toBeUndefined();
  expect(await store.find("1-fork-3")).toBeDefined();
});

test("B8 caches of forks, and of another repository, never push out a repository's own", async () => {
  const budgets = { repository: { totalBytes: 200, repositoryBytes: 100 }, fork: { totalBytes: 200, repositoryBytes: 120 } };
  const store = await openCacheStore({ folder, maxBytes: 100, budgets });
  const save = async (key: string, bytes: number) => store.save(key, "id", Readable.from([Buffer.alloc(bytes)]));
  await save("1-repository", 60);
  await save("2-fork-1", 60);
  for (let number = 1; number <= 20; number++) await save(`3-fork-${number}`, 60);
  for (let repository = 10; repository <= 12; repository++) await save(`${repository}-repository`, 90);
  expect(await store.find("1-repository")).toBeDefined();
  expect(await store.find("2-fork-1")).toBeDefined();
  const kept = (await readdir(folder)).filter((name) => name.endsWith(".tar")).toSorted();
  expect(kept.filter((name) => name.startsWith("3-"))).toHaveLength(2);
  expect(kept.filter((name) => /^1\d-/.test(name))).toHaveLength(1);
});

test("A name that is nobody's is not written, as no budget would count it", async () => {
  const store = await openCacheStore({ folder, maxBytes: 100, budgets: evenBudgets(150) });
  for (const key of ["a", "1-repository/../x", "../1-repository", "1-fork-"])
    await expect(store.save(key, "id", Readable.from(["x"]))).rejects.toThrow("is no cache's key");
  expect(await readdir(folder)).toEqual([]);
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
