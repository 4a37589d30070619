import type { Duplex } from "node:stream";
import type Dockerode from "dockerode";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { createDemultiplexer } from "./demultiplex.ts";

/** Bytes of files in the build's volume; undefined where it cannot be told. Asked in the holder: the build's container is gone. */
export async function measureFiles(holder: Dockerode.Container): Promise<number | undefined> {
  try {
    return await withDeadline(10_000, "measure the files of the build", measure(holder));
  } catch {
    return undefined;
  }
}

async function measure(holder: Dockerode.Container): Promise<number | undefined> {
  const exec = await holder.exec({
    Cmd: ["stat", "--file-system", "--format=%S %b %f", "/build"],
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream: Duplex = await exec.start({ hijack: true });
  let text = "";
  await new Promise<void>((resolve, reject) => {
    stream.on(
      "data",
      createDemultiplexer((name, chunk) => (text += name === "stdout" ? chunk.toString("latin1") : "")),
    );
    stream.once("end", resolve).once("close", resolve).once("error", reject);
  });
  const [size = Number.NaN, blocks = Number.NaN, free = Number.NaN] = text.trim().split(" ").map(Number);
  const bytes = size * (blocks - free);
  return Number.isFinite(bytes) ? bytes : undefined;
}
