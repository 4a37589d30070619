import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { followOutput } from "./follow-output.ts";

const readyDeadlineMs = 30_000;

/** The rules of the build's network did not load, so no build may join it. */
export class HolderError extends Error {
  override readonly name = "HolderError";
}

/** Starts the holder and waits for its word that the rules are in force. */
export async function startHolder(holder: Dockerode.Container): Promise<void> {
  let said = "";
  const ready = Promise.withResolvers<true>();
  const output = await followOutput(holder, (_, chunk) => {
    said = (said + chunk.toString("latin1")).slice(-2000);
    if (/^READY$/m.test(said)) ready.resolve(true);
  });
  await callPodman("start the holder of the network", async () =>
    withDeadline(readyDeadlineMs, "start the holder", holder.start()),
  );
  const outcome = await withDeadline(
    readyDeadlineMs,
    "wait for the rules of the network",
    Promise.race([ready.promise, output.end]),
  );
  if (outcome !== true) throw new HolderError(`The rules of the build's network did not load; the holder said: ${said.trim()}`);
}
