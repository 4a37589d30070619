import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { differ, look } from "./watch-around.ts";

test("a file that is new, changed or gone, a link and a program that still runs are each told", async () => {
  const folder = await mkdtemp(join(tmpdir(), "catapult-watch-"));
  await writeFile(join(folder, "kept"), "1");
  await writeFile(join(folder, "gone"), "1");
  const before = await look([folder]);
  expect(differ(before, await look([folder]))).toEqual([]);
  await writeFile(join(folder, "new"), "1");
  await symlink("/etc/passwd", join(folder, "link"));
  await appendFile(join(folder, "kept"), "2");
  await rm(join(folder, "gone"));
  const child = spawn("sleep", ["30"]);
  await once(child, "spawn");
  const found = differ(before, await look([folder]));
  child.kill();
  await rm(folder, { recursive: true });
  const files = ["gone", "kept", "link", "new"].map((name) => join(folder, name));
  expect(found.toSorted()).toEqual([...files, `process ${child.pid}`].toSorted());
});
