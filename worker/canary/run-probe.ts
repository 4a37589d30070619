import { readdirSync, readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import type { BuildLimits } from "#worker/sandbox/limits.ts";
import type { PreparedSandbox } from "#worker/sandbox/prepare-sandbox.ts";
import { runPrepared } from "#worker/sandbox/run-prepared.ts";
import { parseObservation, type Observation, type ProbeRequest } from "./observation.ts";

const inside = new URL("inside/", import.meta.url);
const program = readdirSync(inside)
  .filter((name) => name !== "listen.ts")
  .map((name) => ({ name, code: readFileSync(new URL(name, inside), "utf8") }));

/** The probe did not tell all that it had to. */
export class ProbeError extends Error {
  override readonly name = "ProbeError";
}

/**
 * The profile's limits, but for those that the probe uses up: to fill gigabytes would cost seconds, and the machine's memory. What is in
 * force is one field either way, and it is read back.
 */
export function limitProbe(limits: BuildLimits): BuildLimits {
  return {
    ...limits,
    memoryBytes: Math.min(limits.memoryBytes, 256 * 2 ** 20),
    pids: Math.min(limits.pids, 128),
    timeoutMs: 20_000,
  };
}

/** Runs the probe as a build is run, in place of a repository's command. */
export async function runProbe(
  sandbox: PreparedSandbox,
  request: ProbeRequest,
): Promise<{ observations: Observation[]; outOfMemory: boolean }> {
  const observations: Observation[] = [];
  const said: string[] = [];
  const result = await runPrepared(sandbox, {
    writeSource: () => {
      const tar = pack();
      tar.entry({ name: "package.json" }, '{"type":"module"}');
      for (const { name, code } of program) tar.entry({ name }, code);
      tar.entry({ name: "request.json" }, JSON.stringify(request));
      tar.finalize();
      return Readable.from(tar, { objectMode: false });
    },
    rootDir: "",
    command: "node probe.ts",
    outputDir: ".",
    devshell: "default",
    environment: {},
    onLine: (line) => {
      const observation = parseObservation(line);
      if (observation === undefined) said.push(line);
      else observations.push(observation);
    },
  });
  if (result.ok) result.output.destroy();
  if (!observations.some(({ kind }) => kind === "done"))
    throw new ProbeError(
      `The probe did not get to its end: ${result.ok ? "" : result.failure.message} ${said.slice(-5).join(" / ").slice(0, 1000)}`,
    );
  return { observations, outOfMemory: !result.ok && result.failure.reason === "out_of_memory" };
}
