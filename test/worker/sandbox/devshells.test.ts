import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { build } from "./harness.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

const flake = (shells: string): string => `{ outputs = { self }: { devShells = ${shells}; }; }`;
const shell = (system: string): string =>
  `{ ${system}.default = derivation { name = "own"; system = "${system}"; builder = "/bin/bash"; args = [ "-c" "echo > $out" ]; outputs = [ "out" ]; PATH = "/usr/local/bin:/usr/bin:/bin"; MARK = "of the repository"; }; }`;
const system = process.arch === "arm64" ? "aarch64-linux" : "x86_64-linux";
const command = 'mkdir out; echo "${MARK:-none}" >out/mark';

test.each(["default", "vite", "sveltekit"] as const)(
  "the shell %s has Node and its package managers, and needs no network",
  async (devshell) => {
    const { files, failure } = await build(podman, {
      devshell,
      dns: [],
      command:
        "mkdir out; for tool in node npm pnpm yarn git; do $tool --version >out/$tool; done; echo ${IN_NIX_SHELL} >out/shell",
    });
    expect(failure).toBeUndefined();
    expect(files?.["node"]).toMatch(/^v24\./);
    expect(files?.["yarn"]).toMatch(/^1\.22\./);
    expect(files?.["shell"]).toBe("impure\n");
    expect(Object.keys(files ?? {})).toHaveLength(6);
  },
);

test("yarn is the one that wrote the lock file", async () => {
  const { files } = await build(podman, {
    files: { "yarn.lock": "__metadata:\n  version: 8\n" },
    command: "mkdir out; yarn --version >out/yarn",
  });
  expect(files?.["yarn"]).toMatch(/^4\./);
});

test("a repository's own flake without inputs decides the shell, from its top or from the site's folder", async () => {
  const top = await build(podman, { files: { "flake.nix": flake(shell(system)), "site/a": "" }, rootDir: "site", command });
  expect(top.files).toEqual({ mark: "of the repository\n" });
  const inner = await build(podman, { files: { "site/flake.nix": flake(shell(system)) }, rootDir: "site", command });
  expect(inner.files).toEqual({ mark: "of the repository\n" });
});

test("a flake without a dev shell for this system leaves Catapult's in force, and the log says so", async () => {
  const { files, lines } = await build(podman, { files: { "flake.nix": flake(shell("riscv64-linux")) }, command });
  expect(files).toEqual({ mark: "none\n" });
  expect(lines[0]).toBe(`The repository's flake.nix has no dev shell for ${system}; using Catapult's`);
});

test("a flake that does not parse is named, with Nix's words in the log", async () => {
  const { failure, lines } = await build(podman, { files: { "flake.nix": "{ outputs = " }, command });
  expect(failure?.reason).toBe("no_dev_shell");
  expect(lines.join("\n")).toContain("syntax error");
});
