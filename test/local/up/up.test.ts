import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { holdStateLock } from "#local/up/state-lock.ts";
import { up } from "#local/up/up.ts";

let stateDir: string;

beforeEach(async () => {
  stateDir = await mkdtemp(path.join(tmpdir(), "catapult-up-"));
});

afterEach(async () => {
  await rm(stateDir, { recursive: true, force: true });
});

test("A start that cannot be made says why, starts nothing and leaves the folder free for the next one.", async () => {
  const start = up({ stateDir, env: { CATAPULT_PORT_SITES: "many" }, out: new PassThrough() });
  await expect(start).rejects.toThrow("CATAPULT_PORT_SITES: expected a whole number from 1 to 65535");
  expect(await readdir(stateDir)).toEqual(["log"]);
  await (
    await holdStateLock(stateDir)
  )();
});

test("A start in a folder where one runs is refused, and that one keeps its lock.", async () => {
  const release = await holdStateLock(stateDir);
  await expect(up({ stateDir, env: {}, out: new PassThrough() })).rejects.toMatchObject({ name: "StateLockedError" });
  await expect(holdStateLock(stateDir)).rejects.toMatchObject({ name: "StateLockedError" });
  await release();
});
