import { appendFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openNonceFiles } from "#worker/accept/nonce-files.ts";

let folder: string;
const later = new Date(Date.now() + 600_000);
const minute = 60_000;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-nonces-"));
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

test("A nonce counts once per key, also when it arrives twice at the same moment", async () => {
  const store = await openNonceFiles(folder);
  expect(await Promise.all([store.take("k1", "a", later), store.take("k1", "a", later), store.take("k2", "a", later)])).toEqual([
    true,
    false,
    true,
  ]);
  await store.close();
});

test("A nonce is remembered over restarts, even if the last line before it was cut", async () => {
  const first = await openNonceFiles(folder);
  await first.take("k", "before", later);
  await first.close();
  await appendFile(join(folder, "current"), "k;cut-of");
  const second = await openNonceFiles(folder);
  expect(await second.take("k", "after", later)).toBe(true);
  await second.close();
  const third = await openNonceFiles(folder);
  expect([await third.take("k", "before", later), await third.take("k", "after", later)]).toEqual([false, false]);
  await third.close();
});

test("A nonce outlives the window and a turn of the files, and is forgotten after two", async () => {
  let now = 1_000_000_000_000;
  let store = await openNonceFiles(folder, () => now);
  const reopen = async (): Promise<void> => {
    await store.close();
    store = await openNonceFiles(folder, () => now);
  };
  await store.take("k", "old", later);
  now += 21 * minute;
  await store.take("k", "turns", later);
  await reopen();
  expect(await store.take("k", "old", later)).toBe(false);
  now += 21 * minute;
  await store.take("k", "turns-again", later);
  await reopen();
  expect(await store.take("k", "old", later)).toBe(true);
  expect(await store.take("k", "turns-again", later)).toBe(false);
  await store.close();
});

test("A disk that is full while the files turn costs no nonce of before, however often the worker starts", async () => {
  let now = 1_000_000_000_000;
  let store = await openNonceFiles(folder, () => now);
  const reopen = async (): Promise<void> => {
    await store.close();
    store = await openNonceFiles(folder, () => now);
  };
  await store.take("k", "first", later);
  now += 19 * minute;
  await store.take("k", "young", later);
  now += 2 * minute;
  // Where the new file is prepared nothing can be written.
  await mkdir(join(folder, "current.new"));
  await expect(store.take("k", "refused", later)).rejects.toThrow("EISDIR");
  await reopen();
  expect(await store.take("k", "young", later)).toBe(false);
  await rm(join(folder, "current.new"), { recursive: true });
  expect(await store.take("k", "room", later)).toBe(true);
  await reopen();
  expect([await store.take("k", "young", later), await store.take("k", "room", later)]).toEqual([false, false]);
  await store.close();
});

test("A file without its moment is taken for new, and does not push out the one before it", async () => {
  const now = Date.now();
  await writeFile(join(folder, "previous"), `${now - 20 * minute}\n\nk;before\n`);
  await writeFile(join(folder, "current"), "\nk;headless\n");
  let store = await openNonceFiles(folder);
  expect(await store.take("k", "new", later)).toBe(true);
  await store.close();
  store = await openNonceFiles(folder);
  for (const nonce of ["before", "headless", "new"]) expect(await store.take("k", nonce, later)).toBe(false);
  await store.close();
});
