import type Dockerode from "dockerode";
import { expectDuplex } from "#worker/podman/expect-stream.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { createDemultiplexer, type OutputName } from "./demultiplex.ts";

const deadlineMs = 60_000;

/** Attaches to a container that has not started, so that nothing of its output is missed. `end` comes when the container ended. */
export async function followOutput(
  container: Dockerode.Container,
  onChunk: (name: OutputName, chunk: Buffer) => void,
): Promise<{ end: Promise<void>; close(): void }> {
  const stream = expectDuplex(
    await callPodman("attach to the container", async () =>
      withDeadline(
        deadlineMs,
        "attach to the container",
        container.attach({ stream: true, stdout: true, stderr: true, hijack: true }),
      ),
    ),
  );
  const end = new Promise<void>((resolve) => {
    stream.on("data", createDemultiplexer(onChunk));
    stream
      .once("end", resolve)
      .once("close", resolve)
      .once("error", () => resolve());
  });
  return { end, close: () => stream.destroy() };
}
