import type Dockerode from "dockerode";
import { PodmanError, readStatusCode } from "#worker/podman/podman-error.ts";

/** Tags: `latest`, and the hash of all that went into it. */
export const imageName = "localhost/catapult-builder";

export async function findImage(podman: Dockerode, reference: string): Promise<{ id: string } | undefined> {
  try {
    const image = await podman.getImage(reference).inspect();
    return { id: image.Id };
  } catch (error) {
    if (readStatusCode(error) === 404) return undefined;
    throw new PodmanError(`look for the image ${reference}`, error);
  }
}
