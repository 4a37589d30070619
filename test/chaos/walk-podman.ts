import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { derivePodmanPaths } from "#local/podman/podman-paths.ts";
import { elevation } from "#local/podman/elevation.ts";
import { runCommand } from "#local/podman/run-command.ts";
import { startPodman } from "#local/podman/start-podman.ts";
import { testStateDir, useTestPodman, type TestPodman } from "#test/support/podman.ts";
import { buildImage } from "#worker/image/build-image.ts";
import { exportImage, importImage } from "#worker/image/transfer-image.ts";
import { connectPodman } from "#worker/podman/connect-podman.ts";
import { writeSeccomp } from "#worker/sandbox/write-seccomp.ts";

/** A Podman of the walk's own, with a storage of its own, to which a walk may do what it likes. */
export type WalkPodman = TestPodman & {
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends the service alone: containers go on. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Starts the service if it has ended. */
  start(): Promise<void>;
};

const tries = 3;
const log = (line: string): void => console.info(line);

/** The first copy that no other run uses. It is kept, with the builder image, for the next run. */
export async function startWalkPodman(): Promise<WalkPodman> {
  const slot = await takeSlot();
  const { stateDir } = slot;
  const { pidFile, socket } = derivePodmanPaths(stateDir);
  let service: Awaited<ReturnType<typeof startPodman>>;
  try {
    service = await startPodman({ stateDir, log });
  } catch (error) {
    await slot.release();
    throw error;
  }
  let isRunning = true;
  const podman = connectPodman(socket);
  const signal = async (name: "STOP" | "CONT" | "KILL" | "TERM"): Promise<void> => {
    const pid = Number(await readFile(pidFile, "utf8"));
    const words = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
    // A pid may be another process's by now.
    if (words.includes(`unix://${socket}`)) await runCommand([...elevation(), "kill", `-${name}`, String(pid)]);
  };
  const release = async (): Promise<void> => {
    await signal("CONT");
    await service.stop();
    await slot.release();
  };
  try {
    const image = await takeImage(podman, stateDir);
    return {
      podman,
      socket,
      imageReference: image.reference,
      imageId: image.id,
      seccompProfile: await writeSeccomp(stateDir),
      release,
      pause: async () => signal("STOP"),
      resume: async () => signal("CONT"),
      async end(name) {
        if (!isRunning) return;
        isRunning = false;
        await signal(name === "SIGKILL" ? "KILL" : "TERM");
        await signal("CONT");
      },
      async start() {
        for (let tried = 1; !isRunning; tried++)
          try {
            service = await startPodman({ stateDir, log: () => undefined });
            isRunning = true;
          } catch (error) {
            if (tried === tries) throw error;
          }
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** From the tests' Podman, if it is not here yet: to make one takes longer, and needs packages. */
async function takeImage(podman: TestPodman["podman"], stateDir: string): Promise<{ reference: string; id: string }> {
  const images = await podman.listImages();
  const tests = await useTestPodman();
  try {
    if (!images.some(({ RepoTags }) => RepoTags?.includes(tests.imageReference))) {
      const file = join(stateDir, "image.tar");
      await exportImage({ podman: tests.podman, file, reference: tests.imageReference });
      await importImage({ podman, file });
      await rm(file);
    }
  } finally {
    await tests.release();
  }
  return buildImage({ podman, stateDir, onProgress: log });
}

async function takeSlot(): Promise<{ stateDir: string; release(): Promise<void> }> {
  for (let number = 0; ; number++) {
    const stateDir = join(testStateDir, `chaos-${number}`);
    const lock = join(stateDir, "lock");
    await mkdir(stateDir, { recursive: true });
    for (;;)
      try {
        const file = await open(lock, "wx");
        await file.writeFile(String(process.pid));
        await file.close();
        return { stateDir, release: async () => rm(lock, { force: true }) };
      } catch {
        const holder = Number(await readFile(lock, "utf8").catch(() => ""));
        if (holder > 0 && isAlive(holder)) break;
        await rm(lock, { force: true });
      }
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
