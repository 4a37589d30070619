import { access, constants } from "node:fs/promises";
import type Dockerode from "dockerode";
import { NotReady } from "#worker/accept/readiness.ts";
import { judgeAdmin } from "#worker/caddy/judge-admin.ts";
import type { WorkerConfig } from "#worker/config.ts";
import { findImage } from "#worker/image/image-name.ts";

/** What a worker needs before it takes a build, by the names under which a missing one is shown. Each throws what is wrong. */
export function createReadinessProbes(o: {
  config: WorkerConfig;
  podman: Dockerode;
  /** Removes what builds left behind: an engine that answers but removes nothing is none. */
  sweep(): Promise<void>;
  /** Sets Caddy's routes. */
  reconcile(): Promise<void>;
  /** What there is too little of on the disks. */
  shortOf(): Promise<string | undefined>;
}): Record<string, () => Promise<void>> {
  const { config, podman } = o;
  return {
    podman: async () => {
      await podman.ping();
      await o.sweep();
    },
    "builder image": async () => {
      if ((await findImage(podman, config.buildImage)) === undefined) {
        throw new NotReady("it is not there; make it by `catapult image build` or bring it by `catapult image import`");
      }
    },
    caddy: () => o.reconcile(),
    "Caddy's admin API": async () => {
      const problem = await judgeAdmin(config.caddyAdmin);
      if (problem !== undefined) throw new NotReady(problem);
    },
    SITES_DIR: () => access(config.sitesDir, constants.W_OK),
    STATE_DIR: () => access(config.stateDir, constants.W_OK),
    disk: async () => {
      const shortOf = await o.shortOf();
      if (shortOf !== undefined) throw new NotReady(shortOf);
    },
  };
}
