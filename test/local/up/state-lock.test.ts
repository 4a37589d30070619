import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findRunningInstance } from "#local/setup/running-instance.mjs";
import { holdStateLock } from "#local/up/state-lock.ts";

let root: string;
let folder: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "catapult-lock-"));
  folder = path.join(root, ".catapult");
  await mkdir(folder);
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

test("A second start in the same folder is refused with the first one's pid, and works after its release.", async () => {
  const release = await holdStateLock(folder);
  await expect(holdStateLock(folder)).rejects.toThrow(new RegExp(`process ${process.pid}\\. Stop that one first`));
  expect(await findRunningInstance(root)).toBe(process.pid);
  await release();
  expect(await findRunningInstance(root)).toBeUndefined();
  await (
    await holdStateLock(folder)
  )();
  expect(await readdir(folder)).toEqual([]);
});

test("A lock that a dead process left is taken over.", async () => {
  const child = spawn("true");
  await once(child, "exit");
  await writeFile(path.join(folder, "up.lock"), `${child.pid} 0a/12345`);
  const release = await holdStateLock(folder);
  expect((await readFile(path.join(folder, "up.lock"), "utf8")).split(" ")[0]).toBe(String(process.pid));
  await release();
});

test("A lock whose pid has come again with another start time is taken over.", async () => {
  await writeFile(path.join(folder, "up.lock"), `${process.pid} another-boot/1`);
  const release = await holdStateLock(folder);
  await expect(holdStateLock(folder)).rejects.toMatchObject({ name: "StateLockedError" });
  await release();
});
