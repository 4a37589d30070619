import type { Logger } from "#common/logger.ts";
import type { Releasers } from "#common/lifecycle.ts";
import { createSandboxes } from "#worker/sandbox/create-sandboxes.ts";
import type { HolderSetup, SandboxRequest, SandboxResult } from "#worker/sandbox/sandbox-types.ts";
import { removeOwed } from "#worker/sandbox/owed-removals.ts";
import { sweepSandboxes } from "#worker/sandbox/sweep-sandboxes.ts";
import { createCanary } from "./create-canary.ts";
import { createPodmanReleases } from "./create-podman-releases.ts";
import { describeState } from "./describe-state.ts";
import { runCanary, type CanaryOptions } from "./run-canary.ts";
import { runProven } from "./run-proven.ts";
import { watchEngine } from "./watch-engine.ts";

/** How often what Podman did not remove is tried again. */
const owedMs = 10_000;

export type Isolation = {
  /** Removes what builds before had left, once. */
  sweep(): Promise<void>;
  /** Runs a build on what was proven, or refuses it. */
  run(build: SandboxRequest): Promise<SandboxResult>;
  /** Undefined: it is proven. */
  describe(): { reason: string; running: boolean } | undefined;
  /** When it was last proven; undefined: it was not yet. */
  provenAt(): Date | undefined;
};

/** What stands between builds and the machine: the sandboxes, the canary that proves them, and the watch that calls for a proof anew. */
export function startIsolation(o: {
  sandbox: Omit<HolderSetup, "labels">;
  target: CanaryOptions["target"];
  slots: number;
  log: Logger;
  releasers: Releasers;
}): Isolation {
  const { podman, networkName, imageReference } = o.sandbox;
  const sandboxes = createSandboxes({ setup: { ...o.sandbox, labels: {} }, slots: o.slots, log: o.log });
  const release = createPodmanReleases({ podman, networkName, log: o.log });
  o.releasers.push("networks kept ready", () => release("networks kept ready", () => sandboxes.stop()));
  let swept: Promise<void> | undefined;
  let provenAt: Date | undefined;
  // Once, for whoever asks first: a second one beside it would take the canary's first containers for left-overs.
  const sweep = async (): Promise<void> => {
    swept ??= sweepOnce();
    await swept;
  };
  const sweepOnce = async (): Promise<void> => {
    try {
      const removed = await sweepSandboxes(podman, networkName);
      if (removed > 0) o.log.info({ removed }, "removed what builds before had left");
    } catch (error) {
      swept = undefined;
      throw error;
    }
  };
  let paying: Promise<void> | undefined;
  const payOff = async (): Promise<void> => {
    const removed = await removeOwed(podman);
    if (removed > 0) o.log.info({ removed }, "removed what Podman had not, while it was away");
  };
  const owed = setInterval(() => {
    paying ??= payOff().finally(() => (paying = undefined));
  }, owedMs).unref();
  o.releasers.push("what Podman owes", () => clearInterval(owed));
  const canary = createCanary({
    run: async (signal) => {
      // Before the first run, which it would take for something left behind.
      await sweep();
      return runCanary({ ...o.sandbox, target: o.target, hostLayer: sandboxes.hostLayer, signal });
    },
    // No network is kept ready of an image that was not proven.
    onProven: (imageId) => {
      provenAt = new Date();
      sandboxes.start(imageId);
    },
    log: o.log,
  });
  o.releasers.push("canary", () => release("canary", () => canary.stop()));
  const engine = watchEngine({
    podman,
    imageReference,
    networkName,
    onChange: (reason) => canary.suspect(reason),
    onBlind: (reason) => o.log.warn({ reason }, "Podman's events do not come; it is looked at by calls more often"),
  });
  o.releasers.push("watch over Podman", () => engine.stop());
  return {
    sweep,
    provenAt: () => provenAt,
    run: (build) => runProven(canary, (request) => sandboxes.run(request), build),
    describe: () => describeState(canary.state()),
  };
}
