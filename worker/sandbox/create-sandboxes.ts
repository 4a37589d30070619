import type { Logger } from "#common/logger.ts";
import { createHolderPool, type HolderPool } from "./holder-pool.ts";
import { createHostLayer, type HostLayer } from "./host-layer.ts";
import { runInSandbox } from "./run-in-sandbox.ts";
import type { HolderSetup, SandboxRequest, SandboxResult } from "./sandbox-types.ts";

/** More would only lie there: no worker's builds begin so close together. */
export const mostWarm = 4;

export type Sandboxes = {
  pool: HolderPool;
  hostLayer: HostLayer;
  /** Keeps networks of this image ready; to be called after the sweep. */
  start(imageReference: string): void;
  run(request: SandboxRequest): Promise<SandboxResult>;
  /** When no build runs any more. */
  stop(): Promise<void>;
};

/** One worker's sandboxes: networks kept ready, and the second layer of their rules on the host. */
export function createSandboxes(o: { setup: HolderSetup; slots: number; log: Logger }): Sandboxes {
  const hostLayer = createHostLayer({
    networkName: o.setup.networkName,
    dns: o.setup.dns,
    log: (message, details) => o.log.info(details, message),
  });
  const pool = createHolderPool({
    setup: o.setup,
    size: Math.min(o.slots, mostWarm),
    onError: (err, message) => o.log.warn({ err }, message),
    beforeMake: () => hostLayer.ensure(),
    afterMake: (holder) => hostLayer.observe(holder.bridge),
  });
  return {
    pool,
    hostLayer,
    start: (imageReference) => pool.start(imageReference),
    run: (request) => runInSandbox(request, pool),
    async stop() {
      await pool.stop();
      await hostLayer.remove();
    },
  };
}
