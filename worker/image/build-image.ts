import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type Dockerode from "dockerode";
import { appendOverlay } from "./append-overlay.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { callLibpod } from "#worker/podman/call-libpod.ts";
import { settleAll } from "#worker/podman/settle-all.ts";
import { hashInputs } from "./hash-inputs.ts";
import { readArchitecture } from "./image-contents.ts";
import { findImage, imageName } from "./image-name.ts";
import { makeOverlay } from "./make-overlay.ts";
import { makeSystem } from "./make-system.ts";

/**
 * Makes the builder image from Debian's packages and npm's, without any image registry, unless one of the same inputs is there.
 * Older ones of the name go once the new one stands. Two calls at once for one Podman do the work twice, no harm.
 */
export async function buildImage(o: {
  podman: Dockerode;
  stateDir: string;
  onProgress: (line: string) => void;
}): Promise<{ reference: string; id: string }> {
  const architecture = readArchitecture();
  const tag = await hashInputs(architecture);
  const reference = `${imageName}:${tag}`;
  const existing = await findImage(o.podman, reference);
  if (existing !== undefined) return { reference, id: existing.id };
  const folder = path.join(path.resolve(o.stateDir), "image", `${tag}-${process.pid}`);
  await mkdir(folder, { recursive: true });
  const started = Date.now();
  const say = (line: string): void => o.onProgress(`builder image: ${line} (${Math.round((Date.now() - started) / 1000)} s)`);
  try {
    say("installing Debian 13 packages and the Node tools");
    const step = { folder, architecture, onLine: (line: string) => (/^(E|W): |npm error/.test(line) ? say(line) : undefined) };
    const [system, overlay] = await settleAll([makeSystem(step), makeOverlay(step)]);
    say("putting it together");
    await appendOverlay({ system, overlay, folder });
    say("importing it into Podman");
    const id = await importTar(o.podman, system, reference);
    await callPodman(`tag ${reference}`, async () => o.podman.getImage(reference).tag({ repo: imageName, tag: "latest" }));
    await removeOlder(o.podman, id);
    say("ready");
    return { reference, id };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importTar(podman: Dockerode, file: string, reference: string): Promise<string> {
  // Podman's own API: the Docker-compatible one ignores the tag.
  const answer = await callLibpod(podman, {
    attempt: `import ${reference}`,
    method: "POST",
    path: "/images/import",
    query: { reference, message: "Catapult builder" },
    body: createReadStream(file),
    deadlineMs: 300_000,
  });
  if (typeof answer !== "object" || answer === null || !("Id" in answer) || typeof answer.Id !== "string")
    throw new Error(`Podman imported ${reference} but named no image: ${JSON.stringify(answer)}`);
  return answer.Id;
}

async function removeOlder(podman: Dockerode, keep: string): Promise<void> {
  const images = await podman.listImages({ filters: { reference: [imageName] } });
  // One that a build still uses cannot be removed, and goes the next time.
  await Promise.allSettled(
    images
      .filter((image) => image.Id.replace("sha256:", "") !== keep.replace("sha256:", ""))
      .map(async (image) => podman.getImage(image.Id).remove()),
  );
}
