import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { followOutput } from "#worker/sandbox/follow-output.ts";
import { createLineSplitter } from "#worker/sandbox/split-lines.ts";

const deadlineMs = 20_000;

/** A container of the canary's own did not do its part, so that nothing is proven. */
export class CanaryToolError extends Error {
  override readonly name = "CanaryToolError";
}

export type Tool = {
  /** Waits until it has said exactly this line. */
  says(line: string): Promise<void>;
};

/** Starts one of the canary's containers and reads what it says. */
export async function startTool(
  podman: Dockerode,
  options: Dockerode.ContainerCreateOptions,
  onLine: (line: string) => void = () => undefined,
): Promise<Tool> {
  const { name } = options;
  const said: string[] = [];
  const waits = new Map<string, () => void>();
  const splitter = createLineSplitter((line) => {
    said.push(line);
    onLine(line);
    waits.get(line)?.();
  });
  const attempt = async <T>(what: string, call: () => Promise<T>): Promise<T> =>
    callPodman(`${what} ${name}`, async () => withDeadline(deadlineMs, `${what} ${name}`, call()));
  const container = await attempt("create", async () => podman.createContainer(options));
  const output = await followOutput(container, (_, chunk) => splitter.write(chunk));
  await attempt("start", async () => container.start());
  return {
    async says(line) {
      if (said.includes(line)) return;
      const heard = new Promise<true>((resolve) => waits.set(line, () => resolve(true)));
      const outcome = await withDeadline(deadlineMs, `wait for ${line} of ${name}`, Promise.race([heard, output.end]));
      splitter.end();
      if (outcome !== true && !said.includes(line))
        throw new CanaryToolError(`${name} ended before it said ${line}: ${said.slice(-5).join(" / ").slice(0, 1000)}`);
    },
  };
}
