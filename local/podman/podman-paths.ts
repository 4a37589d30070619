import { createHash } from "node:crypto";
import path from "node:path";

export type PodmanPaths = {
  /** Images and containers: on the disk of the state folder. */
  storage: string;
  networks: string;
  containersConf: string;
  storageConf: string;
  log: string;
  /** Locks, sockets and mounts of this boot. */
  run: string;
  socket: string;
  pidFile: string;
};

/**
 * Where a state folder's Podman keeps its things. The run folder lies under /run, named by a hash: a unix socket's path may have
 * 107 bytes at most, a state folder may be deeper than that, and what Podman writes there must not survive a reboot.
 */
export function derivePodmanPaths(stateDir: string): PodmanPaths {
  const absolute = path.resolve(stateDir);
  const run = `/run/catapult-${createHash("sha256").update(absolute).digest("hex").slice(0, 12)}`;
  const own = path.join(absolute, "podman");
  return {
    storage: path.join(own, "storage"),
    networks: path.join(own, "networks"),
    containersConf: path.join(own, "containers.conf"),
    storageConf: path.join(own, "storage.conf"),
    log: path.join(own, "service.log"),
    run,
    socket: path.join(run, "podman.sock"),
    pidFile: path.join(run, "podman.pid"),
  };
}
