import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packTar, type TarEntry } from "#test/support/tar.ts";
import { judgeEntry } from "#worker/publish/judge-entry.ts";
import { readManifest } from "#worker/publish/manifest.ts";
import { publishRelease } from "#worker/publish/publish-release.ts";
import { sitePaths } from "#worker/publish/site-paths.ts";

let sitesDir: string;
let siteId = 0n;
beforeAll(async () => {
  sitesDir = await mkdtemp(join(tmpdir(), "catapult-manifest-"));
});
afterAll(async () => rm(sitesDir, { recursive: true, force: true }));

const part = fc.oneof(
  fc.constantFrom(
    "index.html",
    "INDEX.HTML",
    "a",
    "A",
    "é",
    "e\u0301",
    ".env",
    ".git",
    ".well-known",
    "..",
    ".",
    "-rf",
    "$(x)",
    "a b",
    "{env.X}",
    "\u202e",
    "x\n",
    "con",
  ),
  fc.string({ maxLength: 8 }),
);
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
const entry: fc.Arbitrary<TarEntry> = fc
  .record({
    name,
    type: fc.constantFrom("file", "file", "file", "directory", "symlink", "link", "fifo", "character-device"),
    content: fc.string({ maxLength: 40 }),
  })
  .map(({ name: path, type, content }) => ({
    name: path,
    type: type as NonNullable<TarEntry["type"]>,
    ...(type === "file" ? { body: content } : {}),
    ...(type === "symlink" || type === "link" ? { linkname: "/etc/passwd" } : {}),
  }));

async function listTree(folder: string): Promise<Record<string, { size: number; sha256: string; mode: number; mtime: number }>> {
  const found: Awaited<ReturnType<typeof listTree>> = {};
  for (const item of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(item.parentPath, item.name);
    if (item.isDirectory()) continue;
    if (!item.isFile()) throw new Error(`${path} is neither a file nor a folder`);
    const { mode, mtimeMs, size } = await stat(path);
    const sha256 = createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
    found[relative(folder, path)] = { size, sha256, mode: mode & 0o7777, mtime: Math.floor(mtimeMs / 1_000) };
  }
  return found;
}

describe("an output of any entries", () => {
  test("becomes a release that is its manifest, byte for byte, or nothing at all", async () => {
    let published = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async (entries) => {
        siteId += 1n;
        const { releases, manifests } = sitePaths(sitesDir, siteId);
        const tar = await packTar(entries.filter((one) => !one.name.includes("\0")));
        const outcome = await publishRelease({
          sitesDir,
          siteId,
          release: "1-00000000",
          newestMtime: 0,
          tar: () => Readable.from([tar]),
          limits: { maxBytes: 10_000, maxFiles: 50 },
          signal: new AbortController().signal,
        }).then(
          (done) => done,
          (error: unknown) => error,
        );
        const isPublished = !(outcome instanceof Error);
        expect(isPublished || outcome.name).toBe(isPublished || "PublishError");
        const kept = isPublished ? ["1-00000000"] : [];
        expect(await readdir(releases)).toEqual(kept);
        expect(await readdir(manifests)).toEqual(kept.map((release) => `${release}.json`));
        if (!isPublished) return;
        published++;
        const manifest = await readManifest(manifests, "1-00000000");
        const files = await listTree(join(releases, "1-00000000"));
        const listed = Object.fromEntries(
          (manifest?.files ?? []).map(({ path, size, sha256, mtime }) => [path, { size, sha256, mode: 0o444, mtime }]),
        );
        expect(files).toEqual(listed);
        expect(manifest?.bytes).toBe(Object.values(files).reduce((sum, { size }) => sum + size, 0));
        expect(
          Object.keys(files).some((path) => path.split("/").some((one) => one.startsWith(".") && one !== ".well-known")),
        ).toBe(false);
      }),
      { numRuns: 60 },
    );
    expect(published).toBeGreaterThan(0);
    expect((await readdir(sitesDir)).toSorted()).toEqual(["sites"]);
  });

  test("is judged so that what is taken stays inside, is no dotfile, and is a file or a folder", () => {
    const type = fc.constantFrom(
      "file",
      "contiguous-file",
      "directory",
      "symlink",
      "link",
      "fifo",
      "character-device",
      "block-device",
      "pax-header",
      null,
      undefined,
      "x",
    );
    const anyName = fc.oneof(name, fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(anyName, type, (path, kind) => {
        const verdict = judgeEntry({ name: path, type: kind, pax: {} });
        if (verdict.kind !== "file" && verdict.kind !== "folder") return;
        expect(["file", "contiguous-file", "directory"]).toContain(kind);
        expect(join("/release", verdict.path)).toBe(verdict.path === "" ? "/release" : `/release/${verdict.path}`);
        // oxlint-disable-next-line no-control-regex -- what must not be there
        expect(verdict.path).not.toMatch(/[\u0000-\u001f\u007f-\u009f\\]|(^|\/)\.(?!well-known(\/|$))/);
        expect(verdict.path.split("/")).not.toContain("..");
      }),
      { numRuns: 1_000 },
    );
  });
});
