import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type Dockerode from "dockerode";
import { derivePodmanPaths } from "#local/podman/podman-paths.ts";
import { startPodman } from "#local/podman/start-podman.ts";
import { stopPodman } from "#local/podman/stop-podman.ts";
import { buildImage } from "#worker/image/build-image.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { writeSeccomp } from "#worker/sandbox/write-seccomp.ts";

/** Kept between runs, so that the builder image is made once. */
export const testStateDir = path.resolve(import.meta.dirname, "../../.catapult/test");
const users = path.join(testStateDir, "podman-users");
const lock = path.join(testStateDir, "podman.lock");
const log = (line: string): void => console.info(line);

export type TestPodman = {
  podman: Dockerode;
  socket: string;
  imageReference: string;
  imageId: string;
  /** The profile that a worker writes for its builds. */
  seccompProfile: string;
  release(): Promise<void>;
};

/** How long a `beforeAll` that calls useTestPodman may take: the first one makes the image. */
export const podmanHookTimeout = 600_000;

/** The run's one Podman service with the builder image in it. Test files share it; the last one to release it ends it. */
export async function useTestPodman(): Promise<TestPodman> {
  const user = path.join(users, `${process.pid}-${randomBytes(4).toString("hex")}`);
  return withLock(async () => {
    await mkdir(users, { recursive: true });
    const socket = await findService();
    await writeFile(user, "");
    const podman = connectPodman(socket);
    const { reference, id } = await buildImage({ podman, stateDir: testStateDir, onProgress: log });
    const seccompProfile = await writeSeccomp(testStateDir);
    return {
      podman,
      socket,
      imageReference: reference,
      imageId: id,
      seccompProfile,
      release: async () => releaseUser(user),
    };
  });
}

async function findService(): Promise<string> {
  const { socket } = derivePodmanPaths(testStateDir);
  try {
    await withDeadline(5000, "ping Podman", connectPodman(socket).ping());
    return socket;
  } catch {
    return (await startPodman({ stateDir: testStateDir, log })).socket;
  }
}

async function releaseUser(user: string): Promise<void> {
  await withLock(async () => {
    await rm(user, { force: true });
    for (const name of await readdir(users)) {
      if (isAlive(Number(name.split("-")[0]))) return;
      await rm(path.join(users, name), { force: true });
    }
    await stopPodman({ stateDir: testStateDir, log });
  });
}

async function withLock<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(testStateDir, { recursive: true });
  for (;;)
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      break;
    } catch {
      const holder = Number(await readFile(lock, "utf8").catch(() => ""));
      if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
      else await sleep(50);
    }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
