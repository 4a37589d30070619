import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { isSameProcess, readProcessStart } from "#local/setup/process-start.mjs";

test("A process is told from another one that got the same pid, and an ended one from both.", async () => {
  const start = (await readProcessStart(process.pid)) ?? "";
  expect(await isSameProcess(process.pid, start)).toBe(true);
  expect(await isSameProcess(process.pid, `${start}0`)).toBe(false);
  const child = spawn("sleep", ["60"]);
  const childStart = (await readProcessStart(child.pid ?? 0)) ?? "";
  expect(await isSameProcess(child.pid ?? 0, childStart)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await isSameProcess(child.pid ?? 0, childStart)).toBe(false);
});

test("Nothing that a damaged file may hold names a process.", async () => {
  for (const [pid, start] of [
    [0, ""],
    [-1, "x"],
    [Number.NaN, "x"],
    [process.pid, ""],
  ] as const)
    expect(await isSameProcess(pid, start)).toBe(false);
});
