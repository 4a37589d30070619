import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { findNode } from "#local/setup/find-node.mjs";

test("An old Node is no hindrance where npm brought a new one, and an error says what to do where it did not.", async () => {
  const root = await mkdtemp(path.join(tmpdir(), "catapult-node-"));
  await expect(findNode(root, "20.1.0")).rejects.toThrow(/needs Node 24 or later. This is 20.1.0/);
  await expect(findNode(root, "24.0.0")).resolves.toBeUndefined();
  const bin = path.join(root, `node_modules/node-linux-${process.arch}/bin`);
  await mkdir(bin, { recursive: true });
  await symlink(process.execPath, path.join(bin, "node"));
  await expect(findNode(root, "20.1.0")).resolves.toBeUndefined();
  await rm(root, { recursive: true });
});
