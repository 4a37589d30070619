import { setTimeout as sleep } from "node:timers/promises";
import type Dockerode from "dockerode";
import { callLibpod } from "#worker/podman/call-libpod.ts";
import { callPodman, PodmanError, readStatusCode } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import type { SandboxNames } from "./container-options.ts";
import { noteRemoval } from "./own-removals.ts";
import { removeOrOwe } from "./owed-removals.ts";

const deadlineMs = 30_000;
const inspectMs = 10_000;
const trials = 4;
/** Of Docker's and Podman's words. */
const endedStates: ReadonlySet<string> = new Set(["exited", "stopped", "stopping", "dead", "removing"]);

/**
 * Removes all that a sandbox is made of, whatever of it is there. The holder goes after the build, which depends on it. What Podman does not do
 * now is owed.
 */
export async function releaseSandbox(podman: Dockerode, names: SandboxNames): Promise<void> {
  await removeOrOwe(podman, names.network, async () => {
    await deleteContainer(podman, names.build);
    // Only what runs by now ends by this worker. One that ended before did so by itself or by somebody else, and the watch over Podman may
    // hear of that a quarter of a second later: it must not take that end for ours.
    if (await hasEnded(podman, names.holder)) await forceDelete(podman, names.holder);
    else await deleteContainer(podman, names.holder);
    await Promise.all([
      removeNetwork(podman, names.network),
      removeVolume(podman, names.volume),
      removeVolume(podman, names.store),
    ]);
  });
}

export async function removeContainer(podman: Dockerode, name: string): Promise<void> {
  await removeOrOwe(podman, name, async () => deleteContainer(podman, name));
}

/** Whether a holder that was started has ended. An engine that does not say so is one that is proven anew anyway. */
async function hasEnded(podman: Dockerode, name: string): Promise<boolean> {
  const attempt = `inspect the holder ${name}`;
  try {
    return endedStates.has((await withDeadline(inspectMs, attempt, podman.getContainer(name).inspect())).State.Status);
  } catch (error) {
    return readStatusCode(error) === 404;
  }
}

async function deleteContainer(podman: Dockerode, name: string): Promise<void> {
  noteRemoval(name);
  await forceDelete(podman, name);
}

async function forceDelete(podman: Dockerode, name: string): Promise<void> {
  // A running one is killed at once: timeout 0, else Podman waits 10 s for it to obey SIGTERM.
  await remove(`remove the container ${name}`, async () =>
    callLibpod(podman, {
      attempt: `remove the container ${name}`,
      method: "DELETE",
      path: `/containers/${name}`,
      query: { force: "true", timeout: "0" },
      deadlineMs,
    }),
  );
}

export async function removeNetwork(podman: Dockerode, name: string): Promise<void> {
  await remove(`remove the network ${name}`, async () => podman.getNetwork(name).remove());
}

export async function removeVolume(podman: Dockerode, name: string): Promise<void> {
  await remove(`remove the volume ${name}`, async () => podman.getVolume(name).remove({ force: true }));
}

/** Tried again: on a busy machine Podman may still be unmounting what it has just stopped. */
async function remove(attempt: string, call: () => Promise<unknown>): Promise<void> {
  for (let trial = 1; ; trial += 1)
    try {
      await withDeadline(deadlineMs, attempt, callPodman(attempt, call));
      return;
    } catch (error) {
      if (error instanceof PodmanError && isGone(error)) return;
      if (trial === trials) throw error;
      await sleep(250 * trial);
    }
}

function isGone(error: PodmanError): boolean {
  return (
    error.statusCode === 404 || readStatusCode(error.cause) === 404 || (error.cause instanceof PodmanError && isGone(error.cause))
  );
}
