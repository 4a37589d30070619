import { existsSync } from "node:fs";
import { lstat, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { attack, expectNextBuild, type Attack } from "#test/support/attack.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { manifestFile, type Manifest } from "#worker/publish/manifest.ts";
import { PublishError } from "#worker/publish/publish-error.ts";
import { publishRelease } from "#worker/publish/publish-release.ts";
import { sitePaths } from "#worker/publish/site-paths.ts";

let podman: TestPodman;
let folder: string;
let sitesDir: string;
beforeAll(async () => {
  podman = await useTestPodman();
  folder = await mkdtemp(join(tmpdir(), "catapult-output-"));
}, podmanHookTimeout);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await podman.release();
});
beforeEach(async () => {
  sitesDir = await mkdtemp(join(folder, "sites-"));
});

const release = "1-0a1b2c3d";
const limits = { maxBytes: 256 * 2 ** 20, maxFiles: 10_000 };

async function publish(tar: Readable): Promise<Manifest> {
  const signal = new AbortController().signal;
  const made = await publishRelease({ sitesDir, siteId: 1n, release, newestMtime: 0, tar: () => tar, limits, signal });
  return made.manifest;
}

/** Builds and publishes, as a worker does; answers the manifest, or the failure of either. */
async function deploy(o: Attack): Promise<{ manifest?: Manifest; failure?: { reason: string; message: string } }> {
  let manifest: Manifest | undefined;
  let refused: PublishError | undefined;
  const { failure } = await attack(podman, {
    ...o,
    read: async (result) => {
      try {
        manifest = await publish(result.output);
      } catch (error) {
        if (!(error instanceof PublishError)) throw error;
        refused = error;
      }
    },
  });
  const { releases } = sitePaths(sitesDir, 1n);
  const published = existsSync(releases) ? await readdir(releases) : [];
  expect(published).toEqual(manifest === undefined ? [] : [release]);
  // Of an output that was refused no file is anywhere in the folder of sites; of one that was taken none is beside its release.
  const files = (await readdir(sitesDir, { recursive: true, withFileTypes: true })).filter((entry) => !entry.isDirectory());
  const within = manifest === undefined ? [] : [join(releases, release), sitePaths(sitesDir, 1n).manifests];
  expect(
    files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => !within.some((one) => path.startsWith(one))),
  ).toEqual([]);
  const ended = failure ?? refused;
  return { ...(manifest === undefined ? {} : { manifest }), ...(ended === undefined ? {} : { failure: ended }) };
}

test("B5, input 59, 60, 61 links, pipes, sockets, hostile names, twins of case and of NFC and NFD, index.html as a folder: each is refused by name and kind, and nothing is published", async () => {
  const script = `
    const fs = require("node:fs"), net = require("node:net"), { execFileSync } = require("node:child_process");
    fs.mkdirSync("out/folder", { recursive: true }); process.chdir("out");
    fs.writeFileSync("good.html", "good");
    fs.symlinkSync("good.html", "link-to-file"); fs.symlinkSync("folder", "link-to-folder"); fs.symlinkSync("loop", "loop");
    fs.symlinkSync("/etc/passwd", "absolute"); fs.symlinkSync("../../../../../../etc/shadow", "upwards");
    fs.linkSync("good.html", "hard"); execFileSync("mkfifo", ["pipe"]);
    fs.writeFileSync("esc\\u001b[31m", ""); fs.writeFileSync("new\\nline", ""); fs.writeFileSync("back\\\\slash", "");
    fs.writeFileSync(Buffer.from("not-utf8-\\xff", "latin1"), "");
    fs.writeFileSync("Case.txt", ""); fs.writeFileSync("case.txt", "");
    fs.writeFileSync("caf\\u00e9.txt", ""); fs.writeFileSync("cafe\\u0301.txt", "");
    fs.mkdirSync("docs/index.html", { recursive: true });
    net.createServer().listen("socket", () => process.exit(0));`;
  const { failure } = await deploy({ files: { "make.cjs": script }, command: "node make.cjs; true" });
  expect(failure?.reason).toBe("output_refused");
  const lines = new Set((failure?.message ?? "").split("\n"));
  for (const [name, why] of [
    ["link-to-file", "symbolic link"],
    ["link-to-folder", "symbolic link"],
    ["loop", "symbolic link"],
    ["absolute", "symbolic link"],
    ["upwards", "symbolic link"],
    ["(good.html|hard)", "hard link"],
    ["pipe", "FIFO"],
    ["new.*line", "control characters"],
    ["esc.*31m", "control characters"],
    ["back.*slash", "backslash"],
    ["not-utf8-", "not UTF-8"],
    ["docs/index.html", "page is expected"],
    ["ase.txt", "only in case or Unicode form"],
    ["caf.*txt", "only in case or Unicode form"],
  ])
    expect([name, [...lines].some((line) => new RegExp(`${name}.*${why}`).test(line))]).toEqual([name, true]);
  // eslint-disable-next-line no-control-regex -- it is what must not be there
  expect(failure?.message).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  // A socket has no place in a tar: Podman leaves it out.
});

test("B5, input 60 folders 2,044 deep: refused by name, nothing is published", async () => {
  const { failure } = await deploy({
    command: `mkdir out; cd out; perl -e 'for (1..2044) { mkdir "d"; chdir "d" } open my $f, ">", "x"; print $f "x"'`,
  });
  expect(failure?.reason).toBe("output_refused");
  expect(failure?.message).toMatch(/deeper than 64 folders/);
});

test("B5, input 59 setuid, mode 000, foreign times, .git, .env and 255-byte names: what is published has our own modes, and a manifest tells of each file", async () => {
  const long = "n".repeat(255);
  const { manifest, failure } = await deploy({
    command: `mkdir -p out/closed out/.git out/.well-known; cd out; echo a >a.html; echo s >rooted; chmod 6777 rooted; echo z >zero; chmod 000 zero
      echo c >closed/c; chmod 000 closed; echo k >.git/config; echo k >.env; echo w >.well-known/security.txt; echo l >${long}; touch -d @1 a.html`,
  });
  expect(failure).toBeUndefined();
  expect(manifest?.files.map((file) => file.path)).toEqual([
    ".well-known/security.txt",
    "a.html",
    "closed/c",
    long,
    "rooted",
    "zero",
  ]);
  const { releases, manifests } = sitePaths(sitesDir, 1n);
  expect(JSON.parse(await readFile(manifestFile(manifests, release), "utf8"))).toEqual(manifest);
  for (const file of manifest?.files ?? []) {
    const stats = await lstat(join(releases, release, file.path));
    const content = await readFile(join(releases, release, file.path));
    expect([file.path, stats.mode & 0o7777, stats.size]).toEqual([file.path, 0o444, file.size]);
    expect([file.path, createHash("sha256").update(content).digest("hex")]).toEqual([file.path, file.sha256]);
    expect(stats.uid).toBe(process.getuid?.());
  }
  expect((await lstat(join(releases, release, "closed"))).mode & 0o7777).toBe(0o755);
  await rm(join(releases, release), { recursive: true, force: true });
});

test("B5, input 60 a sparse file of 1 TB is refused by its size, not read to its end", async () => {
  const { failure } = await deploy({ command: "mkdir out; echo x >out/x; truncate -s 1T out/sparse" });
  expect(failure?.reason).toBe("output_too_large");
  expect(failure?.message).toMatch(/limit of 268435456 bytes \(BUILD_DISK\): with "sparse" it has at least 10995\d{8} bytes/);
});

test("B5, input 60 a sparse file of 1 TB that is left out is refused by its size, not read to its end", async () => {
  const { failure } = await deploy({ command: "mkdir out; echo x >out/index.html; truncate -s 1T out/.x" });
  expect(failure?.reason).toBe("output_too_large");
  expect(failure?.message).toMatch(
    /what is left out of the output is larger than the limit of 268435456 bytes \(BUILD_DISK\): with ".x" it has at least 10995\d{8} bytes/,
  );
});

test("B5, input 60 a sparse file of 1 TB behind a link is not read to its end either, and the link is named", async () => {
  const { failure } = await deploy({ command: "mkdir out; ln -s /etc/passwd out/a; truncate -s 1T out/b" });
  expect(failure?.reason).toBe("output_refused");
  expect(failure?.message).toMatch(
    /"a": it is a symbolic link\nThe rest of it was not looked at: .*with "b" it has at least 10995\d{8} bytes/,
  );
  await expectNextBuild(podman);
});

test("B5, input 60 a million files end at the cap, without the rest being read", async () => {
  let made = 0;
  const source = Readable.from(
    (function* () {
      for (; made < 1_000_000; made += 1) yield emptyFile(`f${made}`);
      yield Buffer.alloc(1024);
    })(),
    { objectMode: false },
  );
  await expect(publish(source)).rejects.toMatchObject({
    reason: "output_too_large",
    message: "the output has more files than its limit of 10000: at least 10001",
  });
  expect(made).toBeLessThan(20_000);
  expect(await readdir(sitePaths(sitesDir, 1n).releases)).toEqual([]);
});

/** A tar's header of a file without content: fields at fixed places, octal, and a sum over all bytes with its own field as spaces. */
function emptyFile(name: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000644\0" + "0000000\0".repeat(2) + "00000000000\0".repeat(2) + " ".repeat(8) + "0", 100, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

test("B5, input 61 an output of nothing but .git and .env has nothing to serve", async () => {
  const { failure } = await deploy({ command: "mkdir -p out/.git; echo x >out/.git/HEAD; echo x >out/.env" });
  expect(failure?.reason).toBe("output_empty");
});
