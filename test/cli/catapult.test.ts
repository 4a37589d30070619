import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launcher, runCatapult } from "./run-catapult.ts";

let folder: string;
let copy: string;
const usual = "/usr/bin:/bin";

/** A Node that says its version, and otherwise what it was called with. */
async function makeNode(name: string, version: string): Promise<string> {
  const bin = path.join(folder, name);
  await mkdir(bin, { recursive: true });
  const script = `#!/bin/sh\n[ "$1" = --version ] && echo ${version} && exit\nprintf '%s|' "${name}" "$NODE_OPTIONS" "$@"\n`;
  await writeFile(path.join(bin, "node"), script, { mode: 0o755 });
  return bin;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "catapult a b-"));
  copy = path.join(folder, "check out/cli/catapult");
  await mkdir(path.dirname(copy), { recursive: true });
  await copyFile(launcher, copy);
  await chmod(copy, 0o755);
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

test("the Node on PATH runs it if that is new enough, with every word and NODE_OPTIONS as they were", async () => {
  const bin = await makeNode("new", "v26.1.0");
  const words = ["configs", "add", "a b", "", "*", "--x=$(id)"];
  const { code, out } = await runCatapult(words, { program: copy, env: { PATH: `${bin}:${usual}`, NODE_OPTIONS: "--a b" } });
  expect(code).toBe(0);
  expect(out).toBe(`new|--a b|${folder}/check out/cli/main.ts|configs|add|a b||*|--x=$(id)|`);
});

test("the checkout's own Node runs it where the machine's is older", async () => {
  const bin = await makeNode("old", "v18.20.4");
  const machine = process.arch === "arm64" ? "arm64" : "x64";
  const own = await makeNode(`check out/node_modules/node-linux-${machine}/bin`, "v24.0.0");
  const { out } = await runCatapult(["up"], { program: copy, env: { PATH: `${bin}:${usual}` } });
  expect(out).toContain(`node-linux-${machine}`);
  await rm(own, { recursive: true });
});

test.each(["v18.20.4", "v23.9.9", "nonsense", ""])(
  "without a Node that is new enough (%j) it says what to do",
  async (version) => {
    const bin = await makeNode("unfit", version);
    const { code, out, err } = await runCatapult(["up"], { program: copy, env: { PATH: `${bin}:${usual}` } });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("needs Node 24 or later");
    expect(err).toContain("npm ci");
  },
);

test("it works through links, relative ones too, from any folder", async () => {
  await mkdir(path.join(folder, "x y"));
  await symlink(launcher, path.join(folder, "x y/first"));
  await symlink("x y/first", path.join(folder, "second"));
  await symlink("../second", path.join(folder, "x y/third"));
  const { code, out } = await runCatapult(["--version"], { program: "./third", cwd: path.join(folder, "x y") });
  expect([code, out]).toEqual([0, "0.1.0\n"]);
});

test("it is found by PATH", async () => {
  const searchPath = `${path.dirname(launcher)}:${path.dirname(process.execPath)}:${usual}`;
  const { code } = await runCatapult(["-c", "catapult --version"], {
    program: "/bin/sh",
    env: { PATH: searchPath },
    cwd: folder,
  });
  expect(code).toBe(0);
});
