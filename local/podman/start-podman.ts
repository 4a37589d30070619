import { spawn } from "node:child_process";
import { access, chmod, mkdir, open, readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { elevation } from "./elevation.ts";
import { renderContainersConf, renderStorageConf } from "./containers-conf.ts";
import { derivePodmanPaths, type PodmanPaths } from "./podman-paths.ts";
import { runCommand } from "./run-command.ts";
import { stopLeftover, stopService } from "./stop-service.ts";

const startDeadlineMs = 30_000;

/** The Podman service did not come up. */
export class PodmanStartError extends Error {
  override readonly name = "PodmanStartError";
}

/**
 * Starts a Podman service of the state folder's own: storage, networks, settings and socket are its, so that the machine's Podman and
 * another copy's are never touched. As an ordinary user it runs through `sudo -n` and the socket is given to that user. The service
 * is a session of its own: Ctrl-C in the terminal reaches the parent first, which ends it by `stop` once nothing uses it any more.
 * What a killed run left is ended first.
 */
export async function startPodman(o: {
  stateDir: string;
  log: (line: string) => void;
}): Promise<{ socket: string; stop(): Promise<void> }> {
  const paths = derivePodmanPaths(o.stateDir);
  const elevate = elevation();
  checkFolder(paths.storage);
  await prepareFolders(paths, elevate);
  await stopLeftover(paths, elevate, o.log);
  const child = await spawnService(paths, elevate);
  try {
    await waitForService(paths, elevate, child);
  } catch (error) {
    await stopService(paths, elevate, o.log);
    throw error;
  }
  let stopped: Promise<void> | undefined;
  return { socket: paths.socket, stop: () => (stopped ??= stopService(paths, elevate, o.log)) };
}

/** Podman's own words for it would be that the file system knows no overlay. */
function checkFolder(storage: string): void {
  if (!/[,:\\]/.test(storage)) return;
  throw new PodmanStartError(
    `Podman cannot keep its images in ${storage}: overlay mounts take no comma, colon or backslash in a path. Use another folder for the state.`,
  );
}

async function prepareFolders(paths: PodmanPaths, elevate: readonly string[]): Promise<void> {
  await mkdir(paths.networks, { recursive: true });
  await writeFile(paths.containersConf, renderContainersConf(await findRuntime()));
  await writeFile(paths.storageConf, renderStorageConf(paths));
  if (elevate.length === 0) await mkdir(paths.run, { recursive: true, mode: 0o711 });
  else await runCommand([...elevate, "mkdir", "-p", "-m", "0711", paths.run]);
}

async function findRuntime(): Promise<"runc" | "crun"> {
  for (const runtime of ["runc", "crun"] as const)
    for (const folder of ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"])
      try {
        await access(`${folder}/${runtime}`);
        return runtime;
      } catch {
        continue;
      }
  throw new PodmanStartError("Neither runc nor crun is installed: install the package runc");
}

async function spawnService(paths: PodmanPaths, elevate: readonly string[]): Promise<{ exit: Promise<string> }> {
  const log = await open(paths.log, "a", 0o600);
  // The shell's own pid becomes Podman's by exec: sudo's would be of no use, since a user may not signal it.
  const script = 'echo $$ > "$1"; shift; exec "$@"';
  const service = [
    "env",
    // conmon takes its words in the locale's encoding: in C it refuses a folder such as /home/rené, and no container can be attached to.
    "LC_ALL=C.UTF-8",
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
    `unix://${paths.socket}`,
  ];
  const [program = "sh", ...rest] = [...elevate, "sh", "-c", script, "sh", paths.pidFile, ...service];
  const child = spawn(program, rest, { detached: true, stdio: ["ignore", log.fd, log.fd], cwd: "/" });
  const exit = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${code ?? signal}`));
  });
  child.unref();
  await log.close();
  return { exit };
}

async function waitForService(paths: PodmanPaths, elevate: readonly string[], child: { exit: Promise<string> }): Promise<void> {
  const podman = connectPodman(paths.socket);
  const ended: { how?: string } = {};
  void child.exit.then((how) => (ended.how = how));
  let last = "no answer yet";
  for (const until = Date.now() + startDeadlineMs; Date.now() < until && ended.how === undefined; await sleep(50))
    try {
      await giveSocket(paths, elevate);
      await withDeadline(5000, "ping Podman", podman.ping());
      return;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
  const tail = (await readFile(paths.log, "utf8").catch(() => "")).trimEnd().split("\n").slice(-5).join("\n");
  throw new PodmanStartError(
    `Podman's service did not answer on ${paths.socket}: ${ended.how ?? last}. The end of ${paths.log}:\n${tail}`,
  );
}

async function giveSocket(paths: PodmanPaths, elevate: readonly string[]): Promise<void> {
  await access(paths.socket);
  if (elevate.length === 0) await chmod(paths.socket, 0o600);
  else await runCommand([...elevate, "chown", `${process.getuid?.()}:${process.getgid?.()}`, paths.socket]);
}
