import type { Duplex } from "node:stream";
import type Dockerode from "dockerode";
import { expectDuplex } from "#worker/podman/expect-stream.ts";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { createDemultiplexer } from "./demultiplex.ts";

const deadlineMs = 10_000;

/** A program inside a container failed, or said more than was wanted of it. */
export class ExecError extends Error {
  override readonly name = "ExecError";
}

/** Runs a program in a running container and answers what it printed. About 90 ms, most of it the start of a process by Podman. */
export async function execInside(container: Dockerode.Container, command: readonly string[], maxBytes: number): Promise<string> {
  const attempt = `run ${command[0]} in ${container.id.slice(0, 12)}`;
  return callPodman(attempt, async () => withDeadline(deadlineMs, attempt, run(container, command, maxBytes)));
}

async function run(container: Dockerode.Container, command: readonly string[], maxBytes: number): Promise<string> {
  const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = expectDuplex(await exec.start({ hijack: true }));
  const said = await collect(stream, maxBytes);
  const { ExitCode: exitCode } = await exec.inspect();
  if (exitCode !== 0) throw new ExecError(`${command[0]} ended with status ${exitCode}: ${said.stderr.slice(0, 500).trim()}`);
  return said.stdout;
}

async function collect(stream: Duplex, maxBytes: number): Promise<{ stdout: string; stderr: string }> {
  const said = { stdout: "", stderr: "" };
  await new Promise<void>((resolve, reject) => {
    const read = createDemultiplexer((name, chunk) => {
      said[name] += chunk.toString("latin1");
      if (said[name].length > maxBytes) stream.destroy(new ExecError(`more than ${maxBytes} bytes came back`));
    });
    stream.on("data", read);
    stream
      .once("end", resolve)
      .once("error", reject)
      .once("close", () => resolve());
  });
  return said;
}
