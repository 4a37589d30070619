import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readEnabled } from "../../../cli/doctor/check-cgroups.ts";
import { checkConnections } from "../../../cli/doctor/check-connections.ts";
import { checkNode } from "../../../cli/doctor/check-node.ts";
import { tryToListen } from "../../../cli/doctor/check-ports.ts";
import { checkPrograms } from "../../../cli/doctor/check-programs.ts";
import { findRange } from "../../../cli/doctor/check-user.ts";
import { runCatapult } from "../run-catapult.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "catapult-doctor-"));
  await writeFile(path.join(folder, "podman"), "#!/bin/sh\nexit 3\n", { mode: 0o755 });
  await writeFile(path.join(folder, "caddy"), "#!/bin/sh\necho v2.11.4 h1:abc\n", { mode: 0o755 });
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

test("a program is found where PATH has it first, with its version", async () => {
  const found = await checkPrograms(`relative::${folder}`);
  expect(found.find(({ name }) => name === "caddy")).toMatchObject({ found: true, detail: `2.11.4 (${folder}/caddy)` });
});

test("a program that does not run counts as missing, and its package is named", async () => {
  const podman = (await checkPrograms(folder)).find(({ name }) => name === "podman");
  expect(podman).toMatchObject({ found: false, detail: `${folder}/podman does not run` });
  expect(podman?.advice).toContain("apt-get install podman");
});

test("one missing need makes exit code 1, and what to do is said in text and JSON", async () => {
  const env = { PATH: `${folder}:${path.dirname(process.execPath)}:/usr/bin:/bin` };
  const text = await runCatapult(["doctor"], { env });
  expect(text.code).toBe(1);
  expect(text.out).toMatch(/^podman +MISSING /m);
  expect(text.out).toContain("apt-get install podman");
  const json = await runCatapult(["doctor", "--json"], { env });
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({ fit: false });
});

test("only an enabled controller of cgroup v1 counts", () => {
  const text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t0\t4\t0\npids\t8\t1\t1\n";
  expect(readEnabled(text)).toEqual(["cpu", "pids"]);
});

test("subordinate ids are found by name or number, the largest range counts", () => {
  const text = "other:1:9\nme:100000:65536\n1000:200000:10\n";
  expect(findRange(text, 1000, "me")).toBe(65_536);
  expect(findRange(text, 1000, "you")).toBe(10);
  expect(findRange(text, 7, "you")).toBeUndefined();
});

test("a port that another program has is told from a free one", async () => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  expect(await tryToListen("127.0.0.1", port)).toContain("in use");
  await new Promise((resolve) => server.close(resolve));
  expect(await tryToListen("127.0.0.1", port)).toBeUndefined();
});

test("a kernel that resets waiting connections at a change of Caddy's hosts is told from one that moves them, with what to do", async () => {
  const file = path.join(folder, "tcp_migrate_req");
  for (const [content, found] of [
    ["0\n", false],
    ["1\n", true],
  ] as const) {
    await writeFile(file, content);
    const need = await checkConnections(file);
    expect(need).toMatchObject({ need: "advised", found });
    expect(need.advice?.includes("sysctl -w net.ipv4.tcp_migrate_req=1") ?? true).toBe(true);
    expect(need.advice === undefined).toBe(found);
  }
  expect(await checkConnections(path.join(folder, "absent"))).toMatchObject({
    found: false,
    advice: expect.stringContaining("5.14"),
  });
});

test("Node 23 is too old", () => {
  expect(checkNode("23.11.0")).toMatchObject({ found: false, need: "required" });
  expect(checkNode("24.0.0")).toMatchObject({ found: true });
});
