import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { chooseAddresses } from "#worker/canary/choose-addresses.ts";
import { judge } from "#worker/canary/judge.ts";

const root = join(import.meta.dirname, "../..");

test("docs/security.md names each proof of the canary, and no other, and the README leads to it", async () => {
  const text = await readFile(join(root, "docs/security.md"), "utf8");
  // Evidence of nothing fails every proof.
  const outside = { privileged: true, readOnly: false, mountTypes: ["bind"], capAdd: [] };
  const evidence = {
    limits: { memoryBytes: 2 ** 30, diskBytes: 2 ** 30, cpus: 1, pids: 100, timeoutMs: 1_000 },
    port: 1,
    observations: [],
    outside,
    outOfMemory: false,
    hostLayer: { lost: true, reason: "" },
    ranges: chooseAddresses(new Set()),
    own: ["192.0.2.1"],
    gateway: "192.0.2.254",
    hits: [],
    dns: ["192.0.2.53"],
    target: { host: "example.org", port: 443 },
  };
  const failed = judge(evidence);
  const names = failed.map(({ proof }) => proof.replace(/^network_[\d./]+$/, "network_<range>"));
  const table = text.split("\n").filter((line) => line.startsWith("| `"));
  const told = table.flatMap((line) => [...(line.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ""));
  // Told only when something happened: the probe's own errors, an engine that cannot be asked, a name that does not resolve, rules that went.
  const others = new Set(["probe", "engine", "network_target", "network_rules"]);
  expect(new Set(told.filter((name) => !others.has(name)))).toEqual(new Set(names.filter((name) => !others.has(name))));
  expect(await readFile(join(root, "README.md"), "utf8")).toContain("docs/security.md");
});
