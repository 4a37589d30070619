import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { followOutput } from "./follow-output.ts";

const readyDeadlineMs = 30_000;
/** A table with a hundred own addresses has 10 kB. */
const listingLimit = 256 * 1024;
const chains = ["output", "input", "forward"];

/** The rules of the build's network are not in force, so no build may join it. */
export class HolderError extends Error {
  override readonly name = "HolderError";
}

/** Starts the holder and waits for its word that the rules are in force. Answers how the kernel lists them. */
export async function startHolder(holder: Dockerode.Container): Promise<string> {
  const said = { stdout: "", stderr: "" };
  const ready = Promise.withResolvers<true>();
  const output = await followOutput(holder, (name, chunk) => {
    said[name] = (said[name] + chunk.toString("latin1")).slice(0, listingLimit);
    if (name === "stdout" && /^READY$/m.test(said.stdout)) ready.resolve(true);
  });
  await callPodman("start the holder of the network", async () =>
    withDeadline(readyDeadlineMs, "start the holder", holder.start()),
  );
  const outcome = await withDeadline(
    readyDeadlineMs,
    "wait for the rules of the network",
    Promise.race([ready.promise, output.end]),
  );
  if (outcome !== true)
    throw new HolderError(`The rules of the build's network did not load; the holder said: ${said.stderr.trim().slice(0, 2000)}`);
  const rules = said.stdout.slice(0, said.stdout.indexOf("READY"));
  for (const chain of chains)
    if (!new RegExp(`hook ${chain} priority [^;]*; policy drop;`).test(rules))
      throw new HolderError(
        `The rules of the build's network do not drop in ${chain}; the kernel lists: ${rules.slice(0, 2000)}`,
      );
  return rules;
}
