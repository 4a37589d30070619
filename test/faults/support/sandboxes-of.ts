import { createHash } from "node:crypto";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import type { Stack } from "#test/support/stack.ts";
import { roleLabel, sandboxLabel } from "#worker/sandbox/sandbox-labels.ts";

export type Sandboxes = {
  /** The pid of the first process of the one build that runs. */
  findBuild(): Promise<{ pid: number }>;
  /** Flushes the rules of every network of the worker, and removes its containers and networks: by Podman, not by the worker. */
  wipe(): Promise<void>;
};

/** What a stack's first worker has at its Podman, which is shared with other tests: only what has the worker's label. */
export function sandboxesOf(stack: Stack): Sandboxes {
  const { podman } = stack.podman;
  const name = `catapult-${createHash("sha256").update(stack.workers[0]!.stateDirectory).digest("hex").slice(0, 8)}`;
  const filters = { label: [`${sandboxLabel}=${name}`] };
  const list = async () => podman.listContainers({ all: true, filters });
  const pidOf = async (id: string): Promise<number> => (await podman.getContainer(id).inspect()).State.Pid;
  return {
    async findBuild() {
      const [id, ...more] = (await list()).flatMap(({ Id, Labels }) => (Labels[roleLabel] === "build" ? [Id] : []));
      if (id === undefined || more.length > 0) throw new Error(id === undefined ? "no build runs" : "several builds run");
      const pid = await pidOf(id);
      // 0 until it runs, and to kill that would end the tests themselves.
      if (pid <= 0) throw new Error("the build's container does not run yet");
      return { pid };
    },
    async wipe() {
      const networks = await podman.listNetworks({ filters });
      const containers = await list();
      // A build holds on to its holder's network.
      const ordered = containers.toSorted((a) => (a.Labels[roleLabel] === "build" ? -1 : 1));
      for (const { Id } of ordered) {
        const pid = await pidOf(Id).catch(() => 0);
        if (pid > 0)
          await runCommand([...elevation(), "nsenter", `--net=/proc/${pid}/ns/net`, "nft", "flush", "ruleset"]).catch(
            () => undefined,
          );
      }
      const ignore = (): undefined => undefined;
      for (const { Id } of ordered) await podman.getContainer(Id).remove({ force: true }).catch(ignore);
      // The worker removes what it was cut off from as well: whoever is first.
      for (const { Name } of networks) await podman.getNetwork(Name).remove().catch(ignore);
    },
  };
}
