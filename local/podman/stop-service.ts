import { readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { sweepSandboxes } from "#worker/sandbox/sweep-sandboxes.ts";
import type { PodmanPaths } from "./podman-paths.ts";
import { runCommand } from "./run-command.ts";

const removeDeadlineMs = 20_000;
const termDeadlineMs = 10_000;

type Log = (line: string) => void;

/** Ends the service in order: its containers and networks first, while it can still remove them, then itself, then its own mounts. */
export async function stopService(paths: PodmanPaths, elevate: readonly string[], log: Log): Promise<void> {
  await removeContainers(paths).catch((error: Error) => log(`podman: containers were left running: ${error.message}`));
  await endProcess(paths, elevate, log);
  await endExecMonitors(paths, elevate);
  await unmountOwn(paths, elevate, log);
  if ((await findService(paths)) === undefined && (await findOwnMounts(paths)).length === 0)
    await removeRunFolder(paths, elevate);
}

/** Ends a service that a killed run left behind. Its containers are swept by whoever uses the new one. */
export async function stopLeftover(paths: PodmanPaths, elevate: readonly string[], log: Log): Promise<void> {
  if ((await findService(paths)) === undefined) return;
  log("podman: ending the service that an earlier run left");
  await endProcess(paths, elevate, log);
}

/** The service's pid, if the process of that number is ours still: pids are used again, so its command line must name our socket. */
async function findService(paths: PodmanPaths): Promise<number | undefined> {
  const pid = Number((await readFile(paths.pidFile, "utf8").catch(() => "")).trim());
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return commandLine.split("\0").includes(`unix://${paths.socket}`) ? pid : undefined;
}

async function removeContainers(paths: PodmanPaths): Promise<void> {
  if ((await findService(paths)) === undefined) return;
  const podman = connectPodman(paths.socket);
  const remove = async (): Promise<void> => {
    await sweepSandboxes(podman);
    const containers = await podman.listContainers({ all: true });
    // A container that shares another's network goes first: Podman refuses to remove the one that others depend on.
    for (const dependent of [true, false])
      await Promise.allSettled(
        containers
          .filter((container) => (container.HostConfig?.NetworkMode ?? "").startsWith("container:") === dependent)
          .map(async (container) => podman.getContainer(container.Id).remove({ force: true, v: true })),
      );
  };
  await withDeadline(removeDeadlineMs, "remove the containers", remove());
}

async function endProcess(paths: PodmanPaths, elevate: readonly string[], log: Log): Promise<void> {
  for (const signal of ["TERM", "KILL"] as const) {
    const pid = await findService(paths);
    if (pid === undefined) return;
    await sendSignal(pid, signal, elevate);
    for (const until = Date.now() + termDeadlineMs; Date.now() < until; await sleep(25))
      if ((await findService(paths)) === undefined) return;
    log(`podman: the service ${pid} did not end within ${termDeadlineMs} ms of ${signal}`);
  }
}

/**
 * conmon waits 5 minutes after a command that was run in a container by the API has ended, then runs `podman container cleanup`: that would
 * make the storage and run folder again, with mounts, after all is stopped or even deleted.
 */
async function endExecMonitors(paths: PodmanPaths, elevate: readonly string[]): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    const isExecMonitor = path.basename(words[0] ?? "") === "conmon" && words.includes("--exec-attach");
    if (isExecMonitor && words.includes(paths.storage)) await sendSignal(Number(pid), "KILL", elevate);
  }
}

async function sendSignal(pid: number, signal: "TERM" | "KILL", elevate: readonly string[]): Promise<void> {
  if (elevate.length > 0) {
    await runCommand([...elevate, "kill", `-${signal}`, String(pid)]).catch(() => undefined);
    return;
  }
  try {
    process.kill(pid, `SIG${signal}`);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** To Podman this is like a reboot. It says so of a folder that is not there too, so a second stop is no error. */
async function removeRunFolder(paths: PodmanPaths, elevate: readonly string[]): Promise<void> {
  if (elevate.length === 0) await rm(paths.run, { recursive: true, force: true });
  else await runCommand([...elevate, "rm", "-rf", "--", paths.run]);
}

/** Podman mounts its own storage folder onto itself; while that stands, nobody can delete the state folder. */
async function unmountOwn(paths: PodmanPaths, elevate: readonly string[], log: Log): Promise<void> {
  for (const mount of await findOwnMounts(paths))
    await runCommand([...elevate, "umount", mount]).catch((error: Error) =>
      log(`podman: ${mount} stays mounted: ${error.message}`),
    );
}

async function findOwnMounts(paths: PodmanPaths): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8"))
    .split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCodePoint(Number.parseInt(octal, 8)),
      ),
    );
  return mounts.filter((mount) => mount.startsWith(`${paths.storage}/`) || mount.startsWith(`${paths.run}/`)).toReversed();
}
