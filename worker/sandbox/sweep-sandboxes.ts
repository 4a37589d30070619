import type Dockerode from "dockerode";
import { callPodman } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { removeContainer, removeNetwork, removeVolume } from "./release-sandbox.ts";
import { roleLabel, sandboxLabel, type Role } from "./sandbox-labels.ts";

const deadlineMs = 30_000;

/**
 * Removes what sandboxes of this networkName, or without one of any, left behind when their worker died, and answers how many things
 * that were. To be called when none of them runs. One that cannot be removed does not keep the others; its error is passed on at the end.
 */
export async function sweepSandboxes(podman: Dockerode, networkName?: string): Promise<number> {
  const filters = { label: [networkName === undefined ? sandboxLabel : `${sandboxLabel}=${networkName}`] };
  const containers = await list("containers", async () => podman.listContainers({ all: true, filters }));
  const withRole = (role: Role): string[] =>
    containers.filter((container) => container.Labels[roleLabel] === role).map((container) => container.Id);
  const networks = await list("networks", async () => podman.listNetworks({ filters }));
  const volumes = (await list("volumes", async () => podman.listVolumes({ filters }))).Volumes ?? [];
  const steps: (() => Promise<void>)[][] = [
    withRole("build").map((id) => async () => removeContainer(podman, id)),
    withRole("holder").map((id) => async () => removeContainer(podman, id)),
    networks.map((network) => async () => removeNetwork(podman, network.Name)),
    volumes.map((volume) => async () => removeVolume(podman, volume.Name)),
  ];
  const failures: unknown[] = [];
  let removed = 0;
  for (const step of steps)
    for (const result of await Promise.allSettled(step.map(async (remove) => remove())))
      if (result.status === "fulfilled") removed += 1;
      else failures.push(result.reason);
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} things that builds left behind could not be removed`);
  return removed;
}

async function list<T>(what: string, call: () => Promise<T>): Promise<T> {
  const attempt = `list the ${what} of sandboxes`;
  return callPodman(attempt, async () => withDeadline(deadlineMs, attempt, call()));
}
