import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { failpoints } from "#common/failpoints.ts";

const name = failpoints[0];

/** A process of its own that passes the place three times and prints what it saw. */
function pass(text: string | undefined) {
  const source = `
    import { failpoint } from "#common/failpoint.ts";
    for (const turn of [1, 2, 3])
      try { const at = Date.now(); await failpoint("${name}"); console.log(turn, Date.now() - at >= 150 ? "slept" : "passed"); }
      catch (error) { console.log(turn, error.code ?? error.name); }`;
  const env = { ...process.env, ...(text === undefined ? {} : { CATAPULT_FAILPOINT: text }) };
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    cwd: join(import.meta.dirname, "../.."),
    env,
  });
  return { signal: ended.signal, out: ended.stdout.toString().trim().split("\n"), err: ended.stderr.toString() };
}

test("a failpoint does nothing unless the environment arms it", () => {
  expect(pass(undefined)).toMatchObject({ signal: null, out: ["1 passed", "2 passed", "3 passed"], err: "" });
  expect(pass(`${failpoints[1]}:kill`)).toMatchObject({ signal: null, out: ["1 passed", "2 passed", "3 passed"], err: "" });
});

test("an armed failpoint acts at its n-th hit alone, and says so first", () => {
  expect(pass(`${name}:throw`).out).toEqual(["1 FailpointError", "2 passed", "3 passed"]);
  expect(pass(`${name}:enospc@2`).out).toEqual(["1 passed", "2 ENOSPC", "3 passed"]);
  expect(pass(`${name}:sleep=200@3, ${name}:throw@1`).out).toEqual(["1 FailpointError", "2 passed", "3 slept"]);
  const killed = pass(`${name}:kill@2`);
  expect(killed).toMatchObject({ signal: "SIGKILL", out: ["1 passed"] });
  expect(killed.err).toBe(`failpoint ${name}: kill at hit 2\n`);
});

test("a file arms failpoints of a process that runs, and an empty one disarms them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "catapult-failpoint-"));
  const file = join(folder, "armed");
  await writeFile(file, `${name}:throw@2\n`);
  expect(pass(`@${file}`).out).toEqual(["1 passed", "2 FailpointError", "3 passed"]);
  await writeFile(file, "\n");
  expect(pass(`@${file}`).out).toEqual(["1 passed", "2 passed", "3 passed"]);
  await rm(folder, { recursive: true });
});

test("a place is held until the file no longer names it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "catapult-failpoint-"));
  const file = join(folder, "armed");
  await writeFile(file, `${name}:hold\n`);
  const source = `
    import { writeFileSync } from "node:fs";
    import { failpoint } from "#common/failpoint.ts";
    const passed = failpoint("${name}").then(() => console.log("passed"));
    setTimeout(() => { console.log("held"); writeFileSync(${JSON.stringify(file)}, "${name}:hold@1000,${failpoints[1]}:hold"); }, 100);
    setTimeout(() => { console.log("held still"); writeFileSync(${JSON.stringify(file)}, "${failpoints[1]}:hold"); }, 200);
    await passed;`;
  const env = { ...process.env, CATAPULT_FAILPOINT: `@${file}` };
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    cwd: join(import.meta.dirname, "../.."),
    env,
  });
  expect(ended.stdout.toString().trim().split("\n")).toEqual(["held", "held still", "passed"]);
  expect(ended.stderr.toString()).toBe(`failpoint ${name}: hold at hit 1\n`);
  await rm(folder, { recursive: true });
});

test("a misspelt failpoint is an error that names it, never a fault that is silently not injected", () => {
  for (const text of ["no.such:kill", `${name}:explode`, name, `${name}:kill@0`])
    expect(pass(text).out).toEqual(["1 FailpointError", "2 FailpointError", "3 FailpointError"]);
});

test("every failpoint has a name of its own that can be written in the environment", () => {
  expect(new Set(failpoints).size).toBe(failpoints.length);
  for (const one of failpoints) expect(one).toMatch(/^[a-z]+(\.[a-z]+(-[a-z]+)*)$/);
});
