import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { derivePodmanPaths } from "#local/podman/podman-paths.ts";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import { eventually } from "#test/support/eventually.ts";
import { testStateDir } from "#test/support/podman.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";

/** A second service of the run's Podman on a socket of its own, so that a test can end and start it while others use the first. */
export function createOwnService(name: string): { socket: string; start(): Promise<void>; stop(): Promise<void> } {
  const paths = derivePodmanPaths(testStateDir);
  const socket = `${paths.run}/${name}.sock`;
  let stopRunning: (() => Promise<void>) | undefined;
  return {
    socket,
    async start() {
      const service = [
        ...elevation(),
        "env",
        `CONTAINERS_CONF=${paths.containersConf}`,
        `CONTAINERS_STORAGE_CONF=${paths.storageConf}`,
        "podman",
        "--root",
        paths.storage,
        "--runroot",
        `${paths.run}/storage`,
        "--tmpdir",
        `${paths.run}/engine`,
        "--network-config-dir",
        paths.networks,
        "system",
        "service",
        "--time=0",
        `unix://${socket}`,
      ];
      const [program = "env", ...rest] = service;
      const child = spawn(program, rest, { stdio: "ignore", cwd: "/" });
      const ended = once(child, "exit");
      stopRunning = async () => {
        // sudo hands the signal on.
        child.kill("SIGTERM");
        await ended;
      };
      await eventually(async () => {
        if (elevation().length > 0) await runCommand([...elevation(), "chown", `${process.getuid?.()}`, socket]);
        await withDeadline(2000, "ping Podman", connectPodman(socket).ping());
      });
    },
    async stop() {
      await stopRunning?.();
      stopRunning = undefined;
      await rm(socket, { force: true }).catch(() => undefined);
    },
  };
}
