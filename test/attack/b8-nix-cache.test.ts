import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { attack, attackLimits } from "#test/support/attack.ts";
import { evenBudgets } from "#test/support/cache-budgets.ts";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { readFiles } from "#test/worker/sandbox/harness.ts";
import { cacheKey, openCacheStore, type CacheStore } from "#worker/build/cache-store.ts";
import type { BuildLimits } from "#worker/sandbox/limits.ts";

const mebibyte = 2 ** 20;
let podman: TestPodman;
let folder: string;
let caches: CacheStore;
beforeAll(async () => {
  podman = await useTestPodman();
  folder = await mkdtemp(join(tmpdir(), "catapult-caches-"));
  caches = await openCacheStore({ folder, maxBytes: 64 * mebibyte, budgets: evenBudgets(256 * mebibyte) });
}, podmanHookTimeout);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await podman.release();
});

const system = process.arch === "arm64" ? "aarch64-linux" : "x86_64-linux";
/** A flake whose shell needs a tool that is another one each time it is made. */
const flakeWith = (makeTool: string): string => `{
  outputs = { self }:
    let
      make = name: script: more: derivation ({
        inherit name;
        system = "${system}";
        builder = "/bin/bash";
        args = [ "-c" script ];
        outputs = [ "out" ];
        PATH = "/usr/local/bin:/usr/bin:/bin";
      } // more);
      tool = make "tool" "${makeTool}" { };
    in { devShells.${system}.default = make "shell" "echo > $out" { TOOL = tool; }; };
}`;

type Whose = Parameters<typeof cacheKey>[0];
type Built = { tool: string; text: string; saved: string[] };
let commits = 0;

/** One build of a new commit with the cache of its own kind, as a worker does it: the tool that it saw, and what its cache holds then. */
async function buildTool(
  whose: Whose,
  o: { flake?: string; command?: string; limits?: Partial<BuildLimits> } = {},
): Promise<Built> {
  const key = cacheKey(whose);
  const found = await caches.find(key);
  let files: Record<string, string> = {};
  let saved: Record<string, string> = {};
  const { failure, text } = await attack(podman, {
    dns: [],
    files: {
      "flake.nix": o.flake ?? flakeWith("cat /proc/sys/kernel/random/uuid > $out"),
      [`page-${commits++}`]: "another commit",
    },
    command: `mkdir out; ${o.command ?? "cp $TOOL out/tool"}`,
    limits: { ...attackLimits, ...o.limits },
    cache: found === undefined ? {} : { seed: found.open },
    read: async (result) => {
      files = await readFiles(result.output);
      await caches.save(key, "packages", await result.cache());
      const kept = await caches.find(key);
      if (kept !== undefined) saved = await readFiles(kept.open());
    },
  });
  expect([failure, text]).toEqual([undefined, expect.anything()]);
  return { tool: files["tool"] ?? "", text, saved: Object.keys(saved) };
}

const fromCache = /copying path '\/nix\/store\/[a-z0-9]+-tool' from 'file:\/\/\/build\/cache\/nix'/;

const trusted: Whose = { repositoryId: 1n, trust: "repository", pullRequest: 0n };
const fork: Whose = { repositoryId: 1n, trust: "fork", pullRequest: 1n };
const others: Whose[] = [
  { ...fork, pullRequest: 2n },
  { ...trusted, repositoryId: 2n },
];
let building: Promise<{ forked: Built; first: Built; forkedAgain: Built; foreign: Built[]; second: Built }> | undefined;

/** Two commits of a repository, with builds of others before and between. Each build takes seconds, so the tests share these. */
async function buildAmongOthers(): NonNullable<typeof building> {
  building ??= (async () => {
    const forked = await buildTool(fork);
    const first = await buildTool(trusted);
    const forkedAgain = await buildTool(fork);
    const foreign: Built[] = [];
    for (const other of others) foreign.push(await buildTool(other));
    return { forked, first, forkedAgain, foreign, second: await buildTool(trusted) };
  })();
  return building;
}

test("B8 what a repository's own flake makes is made once for its commits, and what a fork or another repository made is never seen", async () => {
  const { forked, first, forkedAgain, foreign, second } = await buildAmongOthers();
  expect(first.text).toContain("-tool.drv'...");
  expect(first.tool).not.toBe(forked.tool);
  expect(forkedAgain.tool).toBe(forked.tool);
  expect(foreign).toHaveLength(others.length);
  for (const { tool, text } of foreign) {
    expect([first.tool, forked.tool]).not.toContain(tool);
    expect(text).not.toMatch(fromCache);
  }
  expect(second.text).toMatch(fromCache);
  expect(second.text).not.toContain("building '/nix/store");
  expect(second.tool).toBe(first.tool);
});

test("B8 only what derivations made is kept, not the source of each commit", async () => {
  const { first, second } = await buildAmongOthers();
  expect(first.saved.filter((name) => name.endsWith(".narinfo"))).toHaveLength(2);
  expect(second.saved.toSorted()).toEqual(first.saved.toSorted());
});

test("B8 a Nix cache that a build broke costs the next one time and not its success", async () => {
  const { first } = await buildAmongOthers();
  const breaking = await buildTool(trusted, {
    command: "cp $TOOL out/tool; for f in /build/cache/nix/nar/*; do echo broken >$f; done",
  });
  expect(breaking.tool).toBe(first.tool);
  const after = await buildTool(trusted);
  expect(after.tool).toMatch(/^[0-9a-f-]{36}\n$/);
  expect(after.tool).not.toBe(first.tool);
});

test("B8 what does not fit on the build's disk is not kept, and the build succeeds", async () => {
  const whose: Whose = { repositoryId: 3n, trust: "repository", pullRequest: 0n };
  const { tool, saved } = await buildTool(whose, {
    flake: flakeWith("head -c 40M /dev/urandom > $out"),
    command: "head -c 30M /dev/zero >out/large; echo built >out/tool",
    limits: { diskBytes: 64 * mebibyte },
  });
  expect([tool, saved.filter((name) => name.startsWith("nix"))]).toEqual(["built\n", []]);
});
