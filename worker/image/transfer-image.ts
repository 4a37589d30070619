import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { findImage, imageName } from "./image-name.ts";

/** The image asked for is not in this Podman's storage. */
export class ImageMissingError extends Error {
  override readonly name = "ImageMissingError";
}

/**
 * Writes the builder image to a file that `importImage` reads on another machine, with every tag that it has: by its inputs' hash
 * `buildImage` there knows that it need not make one. The file appears whole or not at all.
 */
export async function exportImage(o: { podman: Dockerode; file: string; reference?: string }): Promise<void> {
  const reference = o.reference ?? `${imageName}:latest`;
  if ((await findImage(o.podman, reference)) === undefined)
    throw new ImageMissingError(`There is no image ${reference} to export: make it by \`catapult image build\``);
  const { RepoTags: tags } = await o.podman.getImage(reference).inspect();
  const names = new Set([reference, ...tags.filter((tag) => tag.startsWith(`${imageName}:`))]);
  const partial = `${o.file}.partial`;
  try {
    await callPodman(`export ${reference} to ${o.file}`, async () =>
      pipeline(await openExport(o.podman, [...names]), createWriteStream(partial, { mode: 0o644 })),
    );
    await rename(partial, o.file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** Takes in a file that `exportImage` wrote. */
export async function importImage(o: { podman: Dockerode; file: string }): Promise<{ reference: string; id: string }> {
  const answer = await callPodman(`import the image in ${o.file}`, async () =>
    readAll(await o.podman.loadImage(createReadStream(o.file))),
  );
  const reference = `${imageName}:latest`;
  const image = await findImage(o.podman, reference);
  if (image === undefined) throw new ImageMissingError(`${o.file} holds no ${reference}. Podman said: ${answer.slice(0, 500)}`);
  return { reference, id: image.id };
}

async function openExport(podman: Dockerode, names: readonly string[]): Promise<NodeJS.ReadableStream> {
  // dockerode's own call writes a list of names as JSON, which Podman takes for one name.
  const query = names.map((name) => `names=${encodeURIComponent(name)}`).join("&");
  const request = {
    path: `/images/get?${query}`,
    options: { _query: {} },
    method: "GET",
    isStream: true,
    statusCodes: { 200: true },
  };
  return new Promise((resolve, reject) => {
    podman.modem.dial(request, (error: unknown, data: unknown) =>
      data instanceof Readable ? resolve(data) : reject(error instanceof Error ? error : new Error("Podman sent no file")),
    );
  });
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
