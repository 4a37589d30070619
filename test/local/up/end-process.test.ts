import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readProcessStart } from "#local/setup/process-start.mjs";
import { endLeftOver } from "#local/up/end-process.ts";

let folder: string;
let child: ChildProcess;
let pid: number;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "catapult-end-"));
  child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
  pid = child.pid ?? 0;
});

afterEach(async () => {
  child.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

test("The process that a killed run left is ended, and its file is gone.", async () => {
  const file = path.join(folder, "central.pid");
  await writeFile(file, `${pid} ${await readProcessStart(pid)}`);
  const exit = once(child, "exit");
  await endLeftOver(file);
  expect(await exit).toEqual([null, "SIGTERM"]);
  expect(await readdir(folder)).toEqual([]);
});

test("A process that merely has the same pid is left alone.", async () => {
  const file = path.join(folder, "central.pid");
  await writeFile(file, `${pid} another-boot/1`);
  await endLeftOver(file);
  expect(await readProcessStart(pid)).toBeDefined();
  expect(await readdir(folder)).toEqual([]);
});
