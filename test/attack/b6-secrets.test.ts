import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { look } from "#test/support/attack.ts";
import { podmanHookTimeout, testStateDir, useTestPodman, type TestPodman } from "#test/support/podman.ts";

let podman: TestPodman;
let folder: string;
beforeAll(async () => {
  podman = await useTestPodman();
  folder = await mkdtemp(join(tmpdir(), "catapult-secret-"));
}, podmanHookTimeout);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await podman.release();
});

test("B6 a secret of this process, of the host's files and of its processes' arguments is nowhere in a build", async () => {
  const secret = randomBytes(12).toString("hex");
  process.env["ATTACK_SECRET"] = secret;
  await writeFile(join(folder, "key"), secret);
  await writeFile(join(testStateDir, "attack-secret"), secret);
  const child = spawn("sleep", ["300"], { argv0: secret, stdio: "ignore" });
  try {
    const half = secret.length / 2;
    // In two parts, so that the search does not find itself.
    const lines = await look(
      podman,
      [
        `secret="${secret.slice(0, half)}""${secret.slice(half)}"`,
        'grep -rsIl --exclude-dir=proc --exclude-dir=sys --exclude-dir=source -- "$secret" / | head -n 5',
        // By the shell itself: the arguments of a program that looks for it would hold it.
        "all=$(cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'); [[ $all == *\"$secret\"* ]] && echo 'a process has it'",
        "cat /proc/1/environ /proc/self/environ | tr '\\0' '\\n' | grep -iE 'token|secret|password|worker|central|podman_|socket|database|github' | head",
        `ls -d ${testStateDir} ${folder} 2>/dev/null`,
        "echo done",
      ].join("\n"),
    );
    expect(lines).toEqual(["done"]);
  } finally {
    child.kill();
    delete process.env["ATTACK_SECRET"];
    await rm(join(testStateDir, "attack-secret"), { force: true });
  }
});
