import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { describeBuild, describeVolume, buildUser } from "#worker/sandbox/container-options.ts";
import { createContainer } from "#worker/sandbox/create-holder.ts";
import { followOutput } from "#worker/sandbox/follow-output.ts";
import { packLayout, packRequest } from "#worker/sandbox/pack-control.ts";
import { putArchive } from "#worker/sandbox/put-archive.ts";
import { removeContainer, removeVolume } from "#worker/sandbox/release-sandbox.ts";
import type { SandboxRequest, SandboxResult } from "#worker/sandbox/sandbox-types.ts";
import { expectReadable } from "#worker/podman/expect-stream.ts";

/**
 * The same container as a build's, of the same image and options, on Podman's default network: no holder, no rules, no proof. With no
 * holder to keep memory mounted, its files lie in an ordinary volume on the disk.
 */
export async function runOnPlainNetwork(request: SandboxRequest): Promise<SandboxResult> {
  const { podman } = request;
  const name = `${request.networkName}-${randomBytes(6).toString("hex")}`;
  const names = { network: "podman", volume: `${name}-files`, store: `${name}-store`, holder: "", build: `${name}-build` };
  const certificates = request.caFile === undefined ? undefined : await readFile(request.caFile, "utf8");
  const options = describeBuild(request, names, request.imageReference);
  const { Labels: labels } = describeVolume(names.volume, request, 0);
  await Promise.all([
    podman.createVolume({ Name: names.volume, Driver: "local", ...(labels === undefined ? {} : { Labels: labels }) }),
    podman.createVolume(describeVolume(names.store, request, buildUser)),
  ]);
  const build = await createContainer(podman, {
    ...options,
    HostConfig: { ...options.HostConfig, NetworkMode: "podman", Dns: [...request.dns] },
  });
  await putArchive(build, "/build", packLayout(certificates), "keep");
  await putArchive(build, "/build", packRequest(request), "keep");
  await putArchive(build, "/build/source", request.writeSource(), "container");
  const output = await followOutput(build, () => undefined);
  await build.start();
  await output.end;
  let { State } = await build.inspect();
  // The output may end a moment before Podman has noticed the end.
  for (; State.Running; { State } = await build.inspect()) await sleep(5);
  const release = async (): Promise<void> => {
    await removeContainer(podman, names.build);
    await Promise.all([removeVolume(podman, names.volume), removeVolume(podman, names.store)]);
  };
  const imageId = "";
  if (State.ExitCode !== 0) {
    await release();
    const message = `the container ended with status ${State.ExitCode}`;
    return { ok: false, imageId, failure: { stage: "build", reason: "command_failed", message } };
  }
  return {
    ok: true,
    imageId,
    output: expectReadable(await build.getArchive({ path: "/build/output/site/." })),
    cache: () => Promise.reject(new Error("there is no cache in this")),
    timings: { prepareMs: 0, putMs: 0, buildMs: 0 },
    release,
  };
}
