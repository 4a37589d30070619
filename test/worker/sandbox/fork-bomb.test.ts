import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { build, mebibyte } from "./harness.ts";

let podman: TestPodman;
beforeAll(async () => {
  podman = await useTestPodman();
}, podmanHookTimeout);
afterAll(async () => podman.release());

/** Makes processes that stay, until one is refused or there are far more than the limit, and says how many there were. */
const bomb = `
  const { spawn } = require("node:child_process");
  let made = 0;
  for (; made < 400; made += 1) {
    const child = spawn("/bin/sleep", ["30"], { stdio: "ignore" });
    child.on("error", () => undefined);
    if (child.pid === undefined) break;
  }
  console.log("made", made);
  process.exit(1);`;

test.each([64, 128])(
  "fault 29 a fork bomb has no more processes than its limit of %d, counted from inside, whatever the comment says",
  async (pids) => {
    const { lines, failure } = await build(podman, {
      files: { "bomb.cjs": bomb },
      command: "node bomb.cjs",
      limits: { memoryBytes: 512 * mebibyte, diskBytes: 256 * mebibyte, cpus: 1, pids, timeoutMs: 60_000 },
    });
    const made = Number(lines.find((line) => line.startsWith("made "))?.slice(5));
    expect(made).toBeGreaterThan(pids / 4);
    expect(made).toBeLessThan(pids);
    expect(failure).toMatchObject({ reason: "too_many_processes" });
  },
);
