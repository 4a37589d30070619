import { readdir } from "node:fs/promises";
import path from "node:path";
import type Dockerode from "dockerode";
import { hashInputs } from "#worker/image/hash-inputs.ts";
import { readArchitecture } from "#worker/image/image-contents.ts";
import { findImage, imageName } from "#worker/image/image-name.ts";
import { importImage } from "#worker/image/transfer-image.ts";

/** For a machine that cannot make the builder image: takes in what `catapult image export` wrote to `image/*.tar` in the state folder. */
export async function takeInImage(o: { podman: Dockerode; stateDir: string; say: (line: string) => void }): Promise<void> {
  const reference = `${imageName}:${await hashInputs(readArchitecture())}`;
  const folder = path.join(o.stateDir, "image");
  const files = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".tar")).toSorted();
  for (const file of files) {
    if (await findImage(o.podman, reference)) return;
    o.say(`taking in image/${file}`);
    await importImage({ podman: o.podman, file: path.join(folder, file) });
    if (!(await findImage(o.podman, reference))) o.say(`the image in image/${file} is another version's`);
  }
}
