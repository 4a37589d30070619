import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { afterAll, beforeEach, expect, test } from "vitest";
import { packFiles, packTar, type TarEntry } from "#test/support/tar.ts";
import { collectReleases, removeTemporaries } from "#worker/publish/collect-releases.ts";
import { PublishError } from "#worker/publish/publish-error.ts";
import { publishRelease, type Published, type PublishRequest } from "#worker/publish/publish-release.ts";
import { sitePaths } from "#worker/publish/site-paths.ts";

const folders: string[] = [];
let sitesDir: string;
const limits = { maxBytes: 1_000_000, maxFiles: 100 };

beforeEach(async () => {
  sitesDir = await mkdtemp(join(tmpdir(), "catapult-publish-"));
  folders.push(sitesDir);
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function publish(tar: Buffer, changes: Partial<PublishRequest> = {}): Promise<Published> {
  return publishRelease({
    sitesDir,
    siteId: 7n,
    release: "1-0a1b2c3d",
    newestMtime: 0,
    tar: () => Readable.from([tar]),
    limits,
    signal: new AbortController().signal,
    ...changes,
  });
}

test("A release holds what was in the tar, read-only, with a manifest beside it", async () => {
  const { manifest } = await publish(
    await packFiles({ "index.html": "hello", "a/b.js": "1", "empty.txt": "", ".env": "secret" }),
  );
  const { releases } = sitePaths(sitesDir, 7n);
  expect(await readdir(releases)).toEqual(["1-0a1b2c3d"]);
  expect(await readFile(join(releases, "1-0a1b2c3d/a/b.js"), "utf8")).toBe("1");
  expect((await stat(join(releases, "1-0a1b2c3d/index.html"))).mode & 0o777).toBe(0o444);
  expect((await stat(join(releases, "1-0a1b2c3d"))).mode & 0o777).toBe(0o755);
  expect(manifest.files.map(({ path, size }) => [path, size])).toEqual([
    ["a/b.js", 1],
    ["empty.txt", 0],
    ["index.html", 5],
  ]);
  expect(manifest.bytes).toBe(6);
});

function mtimes(published: Published): Map<string, number> {
  return new Map(published.manifest.files.map(({ path, mtime }) => [path, mtime]));
}

test("A file whose content changed gets a later mtime than any before, and one that did not keeps its own", async () => {
  const first = await publish(await packFiles({ "same.txt": "same", "page.html": "AAAA" }));
  const second = await publish(await packFiles({ "same.txt": "same", "page.html": "BBBB" }), {
    release: "2-0a1b2c3d",
    previous: "1-0a1b2c3d",
    newestMtime: first.newestMtime,
  });
  expect(mtimes(second).get("same.txt")).toBe(mtimes(first).get("same.txt"));
  expect(mtimes(second).get("page.html")).toBeGreaterThan(mtimes(first).get("page.html") ?? Infinity);
});

const link = (type: "symlink" | "link", linkname: string): TarEntry => ({ name: "bad", type, linkname });
test.each<[string, TarEntry[], string]>([
  ["an absolute symbolic link", [{ name: "ok" }, link("symlink", "/etc/passwd")], "symbolic link"],
  ["a hard link", [{ name: "ok" }, link("link", "ok")], "hard link"],
  ["a FIFO", [{ name: "bad", type: "fifo" }], "FIFO"],
  ["a device", [{ name: "bad", type: "character-device" }], "device"],
  ["a way out", [{ name: "a/../../x" }], "holds .."],
  ["an absolute path", [{ name: "/etc/x" }], "absolute"],
  ["names that differ in case", [{ name: "A.txt" }, { name: "a.txt" }], "only in case"],
  ["folders that differ in case", [{ name: "Docs/a" }, { name: "docs/b" }], "only in case"],
  ["names that differ in Unicode form", [{ name: "caf\u00e9" }, { name: "cafe\u0301" }], "Unicode form"],
  ["an escape character", [{ name: "a\u001b[31m" }], "control characters"],
  [
    "the same name twice",
    [
      { name: "a", body: "1" },
      { name: "a", body: "2" },
    ],
    "twice",
  ],
  ["a file where a folder is", [{ name: "a/b" }, { name: "a" }], "twice"],
  ["index.html as a folder", [{ name: "index.html/x" }, { name: "index.html", type: "directory" }], "page is expected"],
])("An output with %s is refused with the name, and nothing is left of it", async (_, entries, words) => {
  await expect(publish(await packTar(entries))).rejects.toMatchObject({
    reason: "output_refused",
    message: expect.stringContaining(words),
  });
  expect(await readdir(sitePaths(sitesDir, 7n).releases)).toEqual([]);
});

test("Caps on files and bytes, an empty output and a tar that was cut each have their own reason", async () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`f${index}`, "x"]));
  await expect(publish(await packFiles(many))).rejects.toMatchObject({ reason: "output_too_large" });
  await expect(publish(await packFiles({ a: Buffer.alloc(1_000_001) }))).rejects.toMatchObject({ reason: "output_too_large" });
  await expect(publish(await packFiles({ ".env": "x" }))).rejects.toMatchObject({ reason: "output_empty" });
  const whole = await packFiles({ a: "1", b: "2" });
  for (const length of [0, 512, 700, 1_024, 2_048, 2_560]) {
    await expect(publish(whole.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
      reason: expect.stringMatching(/^output_(unreadable|empty)$/),
    });
  }
  expect(await readdir(sitePaths(sitesDir, 7n).releases)).toEqual([]);
});

test.each<[string, TarEntry[], string]>([
  [
    "folders",
    Array.from({ length: 12 }, (_, index) => ({ name: `d${index}`, type: "directory" as const })),
    "the output has more folders than its limit of 10: at least 11",
  ],
  [
    "entries that are left out",
    Array.from({ length: 41 }, (_, index) => ({ name: `.f${index}` })),
    "the output has more entries than its limit of 40, those that are left out counted too: at least 41",
  ],
  [
    "bytes that are left out",
    [
      { name: ".a", body: "x".repeat(600) },
      { name: ".b", body: "x".repeat(600) },
    ],
    'what is left out of the output is larger than the limit of 1000 bytes (BUILD_DISK): with ".b" it has at least 1200 bytes',
  ],
])("An output of too many %s ends with the limit and the use", async (_, entries, message) => {
  const tar = await packTar(entries);
  await expect(publish(tar, { limits: { maxBytes: 1_000, maxFiles: 10 } })).rejects.toMatchObject({
    reason: "output_too_large",
    message,
  });
});

test("What was refused before a limit ended the reading is named, and the limit with it", async () => {
  const tar = await packTar([
    { name: "out", type: "symlink", linkname: "/etc" },
    { name: "big", body: "x".repeat(1_001) },
    { name: "after", type: "fifo" },
  ]);
  const error: unknown = await publish(tar, { limits: { maxBytes: 1_000, maxFiles: 10 } }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    reason: "output_refused",
    message: expect.stringMatching(/"out": it is a symbolic link\n.*"big"/),
  });
  expect(String(error)).not.toContain("after");
});

test("A tar of headers alone ends at a bound on what is read", async () => {
  let given = 0;
  // An extended header says how long it is; the next one follows, and no entry ever.
  const header = Buffer.from(await packTar([{ name: "x", type: "file", body: "" }])).subarray(0, 512);
  header.write("g", 156);
  header.fill(" ", 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, "0")}\0 `,
    148,
    "latin1",
  );
  const tar = (): Readable =>
    Readable.from(
      (function* () {
        for (; given < 100_000_000; given += 512) yield header;
      })(),
      { objectMode: false },
    );
  await expect(publish(header, { tar, limits: { maxBytes: 1_000, maxFiles: 10 } })).rejects.toMatchObject({
    reason: "output_too_large",
    message: expect.stringContaining("tar is longer than its limits allow"),
  });
  expect(given).toBeLessThan(2_000_000);
});

test("A tar that stops in the middle ends at a deadline, by that reason, and nothing is left of it", async () => {
  const whole = await packFiles({ a: "1", b: "2" });
  const tar = (): Readable => {
    const stalled = new Readable({ read: () => undefined });
    stalled.push(whole.subarray(0, 1_200));
    return stalled;
  };
  await expect(publish(whole, { tar, deadlineMs: 200 })).rejects.toMatchObject({
    reason: "deadline_exceeded",
    message: "publishing took longer than its limit of 0.2 s and was ended: the output did not come to its end",
  });
  expect(await readdir(sitePaths(sitesDir, 7n).releases)).toEqual([]);
});

async function listFiles(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const found = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return found.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).toSorted();
}

test("Whatever files a tar names, what is on the disk is what the manifest says", async () => {
  const name = fc.array(fc.constantFrom("a", "b", "A", ".git", "..", "c.html", "index.html"), { minLength: 1, maxLength: 4 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, fc.string({ maxLength: 40 })), { maxLength: 8 }), async (list) => {
      const release = `${++run}-0a1b2c3d`;
      const tar = await packTar(list.map(([parts, body]) => ({ name: parts.join("/"), body })));
      const said = await publish(tar, { release }).then(
        ({ manifest }) => manifest.files.map(({ path }) => path),
        (error: unknown) => (error instanceof PublishError ? [] : [String(error)]),
      );
      expect(await listFiles(join(sitePaths(sitesDir, 7n).releases, release))).toEqual(said.toSorted());
    }),
    { numRuns: 60 },
  );
});

test("The live release and the newest are kept, the others and what a crash left go", async () => {
  for (const generation of [1, 2, 3, 9, 10, 11])
    await publish(await packFiles({ a: String(generation) }), { release: `${generation}-0a1b2c3d` });
  await collectReleases(sitesDir, 7n, "1-0a1b2c3d", { releases: 2, bytes: 1_000 });
  const { releases, manifests } = sitePaths(sitesDir, 7n);
  expect((await readdir(releases)).toSorted()).toEqual(["1-0a1b2c3d", "10-0a1b2c3d", "11-0a1b2c3d"]);
  expect((await readdir(manifests)).length).toBe(3);
  await collectReleases(sitesDir, 7n, "1-0a1b2c3d", { releases: 2, bytes: 3 });
  expect((await readdir(releases)).toSorted(), "11 has two bytes, 10 two more").toEqual(["1-0a1b2c3d", "11-0a1b2c3d"]);
  await mkdir(join(releases, ".publish-left"));
  await removeTemporaries(sitesDir);
  expect(await readdir(releases)).not.toContain(".publish-left");
});
