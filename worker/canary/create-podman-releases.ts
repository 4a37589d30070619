import type Dockerode from "dockerode";
import type { Logger } from "#common/logger.ts";
import { DeadlineError, withDeadline } from "#worker/podman/with-deadline.ts";
import { sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";

/** How long Podman may be silent at the worker's end, over all releases, and how long one release may take while it answers. */
const silentMs = 5_000;
const mostMs = 20_000;

/**
 * Bounds what the worker's end waits for Podman: one that hangs would hold each release for as long as its calls may take. What is left
 * behind the next start sweeps. The calls go on until the process ends.
 */
export function createPodmanReleases(o: {
  podman: Pick<Dockerode, "listContainers">;
  networkName: string;
  log: Logger;
  silentMs?: number;
}): (name: string, release: () => Promise<void>) => Promise<void> {
  let isSilent = false;
  const giveUp = (released: string): void =>
    o.log.warn({ released }, "Podman does not answer: what could not be removed is removed at the next start");
  return async (name, release) => {
    const work = release();
    // After the wait for it ended nobody listens any more.
    work.catch(() => undefined);
    if (isSilent) return giveUp(name);
    // A list of containers waits for the locks that a removal waits for; a ping does not.
    const filters = { label: [`${sandboxLabel}=${o.networkName}`] };
    const question = withDeadline(
      o.silentMs ?? silentMs,
      "list the containers of sandboxes",
      o.podman.listContainers({ filters }),
    );
    const silence = Promise.withResolvers<void>();
    question.catch((error: unknown) => {
      if (!(error instanceof DeadlineError)) return;
      isSilent = true;
      silence.resolve();
    });
    const deadline = withDeadline(mostMs, `release ${name}`, work);
    deadline.catch(() => undefined);
    const isDone = await Promise.race([deadline.then(() => true), silence.promise.then(() => false)]);
    if (!isDone) giveUp(name);
    return undefined;
  };
}
