import type Dockerode from "dockerode";
import { settleAll } from "#worker/podman/settle-all.ts";
import { describeBuild } from "./container-options.ts";
import { createContainer, createHolder, holderKey, readHolderTerms, type Holder } from "./create-holder.ts";
import type { HolderPool } from "./holder-pool.ts";
import { proveHolder } from "./prove-holder.ts";
import { releaseSandbox } from "./release-sandbox.ts";
import type { SandboxSetup } from "./sandbox-types.ts";

/** A sandbox that stands, with its network shut by the rules, and waits for its source. */
export type PreparedSandbox = {
  setup: SandboxSetup;
  imageId: string;
  bridge: string;
  holder: Dockerode.Container;
  build: Dockerode.Container;
  prepareMs: number;
  /** Removes all of it; once, however often it is called. */
  release(): Promise<void>;
};

/**
 * Sets up all that does not depend on the source, on a holder of the pool if it has one that fits, else on a new one. Each is proven
 * anew to have its rules before anything can run. Whoever prepares must either run or release it. When it fails, nothing of it is left.
 */
export async function prepareSandbox(setup: SandboxSetup, pool?: HolderPool): Promise<PreparedSandbox> {
  const started = performance.now();
  const terms = await readHolderTerms(setup);
  for (;;) {
    const warm = pool?.take(holderKey(setup, terms));
    const holder = warm ?? (await createHolder(setup, terms));
    const release = releaseOnce(setup, holder, pool);
    try {
      // Beside the proof, which takes as long: the rules were loaded before, and nothing runs before the proof.
      const [, build] = await settleAll([
        proveHolder(holder),
        createContainer(setup.podman, describeBuild(setup, holder.names, holder.imageId)),
      ]);
      const prepareMs = performance.now() - started;
      const { imageId, bridge, container } = holder;
      return { setup, imageId, bridge, holder: container, build, prepareMs, release };
    } catch (error) {
      if (pool === undefined || warm === undefined) {
        await release();
        throw error;
      }
      pool.discard(holder, error);
    }
  }
}

function releaseOnce(setup: SandboxSetup, holder: Holder, pool: HolderPool | undefined): () => Promise<void> {
  let released: Promise<void> | undefined;
  return async () => (released ??= releaseSandbox(setup.podman, holder.names).finally(() => pool?.refill()));
}
