import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { elevation } from "#local/podman/elevation.ts";

const run = promisify(execFile);
const prefix = "catapult-disk-";

/** A disk of its own, that may be filled: ext4 in a file, on a loop device. */
export type LoopDisk = {
  /** Where it is mounted; its owner is who runs the tests, unless another was named. */
  readonly folder: string;
  /** Takes space away, as something else on the same disk would, until so many bytes are left. */
  leave(bytes: number): Promise<void>;
  /** Gives back what `leave` took. */
  free(): Promise<void>;
  /** Unmounts it, which detaches its loop device, and removes its file. */
  remove(): Promise<void>;
};

/**
 * No share of it is kept for root: full is full for everybody. Takes root, or sudo without a password. In a container without loop devices
 * a tmpfs of the same size stands in, and a warning says so.
 */
export async function mountLoopDisk(o: {
  bytes: number;
  /** How many names it holds, besides some 11 of its own; as many as mkfs gives if not set. */
  inodes?: number;
  owner?: { uid: number; gid: number };
}): Promise<LoopDisk> {
  await removeLeftOver();
  const home = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  // PostgreSQL's user passes here.
  await chmod(home, 0o755);
  const [image, folder] = [join(home, "image"), join(home, "disk")];
  const owner = o.owner ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const inodes = o.inodes === undefined ? [] : ["-N", String(o.inodes)];
  let fillers = 0;
  try {
    await mkdir(folder);
    await writeFile(image, "");
    await truncate(image, o.bytes);
    try {
      await run("/usr/sbin/mkfs.ext4", ["-q", "-m", "0", ...inodes, "-E", `root_owner=${owner.uid}:${owner.gid}`, image]);
      await elevated(["mount", "-o", "loop", image, folder]);
    } catch (error) {
      console.warn(`No loop device here, a tmpfs of ${o.bytes} bytes stands in: ${String(error)}`);
      const options = [`size=${o.bytes}`, `uid=${owner.uid}`, `gid=${owner.gid}`, "mode=0755"];
      if (o.inodes !== undefined) options.push(`nr_inodes=${o.inodes}`);
      await elevated(["mount", "-t", "tmpfs", "-o", options.join(","), "tmpfs", folder]);
    }
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  };
  return {
    folder,
    async leave(bytes) {
      const filler = join(folder, `filler-${fillers++}`);
      if (bytes === 0) {
        // What the first write holds back for its index is free once it is written: until not even a file of one byte has room.
        const script =
          'cat /dev/zero 2>/dev/null >"$0"; sync -f "$0"; n=0; while (echo >"$0-$n" && sync "$0-$n") 2>/dev/null; do n=$((n+1)); done';
        await run("sh", ["-c", script, filler]);
        return;
      }
      const free = await freeBytes();
      if (free <= bytes) throw new Error(`${folder} has ${free} bytes free: ${bytes} cannot be left`);
      await run("fallocate", ["-l", String(free - bytes), filler]);
    },
    async free() {
      for (const name of await readdir(folder)) if (name.startsWith("filler-")) await rm(join(folder, name));
      fillers = 0;
    },
    async remove() {
      await unmount(folder);
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** Those of test processes that were killed before they could. */
async function removeLeftOver(): Promise<void> {
  for (const line of (await readFile("/proc/mounts", "utf8")).split("\n")) {
    const folder = line.split(" ")[1] ?? "";
    const home = join(folder, "..");
    const pid = basename(home).startsWith(prefix) ? Number(basename(home).slice(prefix.length).split("-")[0]) : Number.NaN;
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    await unmount(folder);
    await rm(home, { recursive: true, force: true });
  }
}

/** Lazily where something still has a file open there: then the device is detached with the last of these. */
async function unmount(folder: string): Promise<void> {
  await elevated(["umount", folder]).catch(async () => elevated(["umount", "--lazy", folder]));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function elevated(command: string[]): Promise<void> {
  const [program = "true", ...rest] = [...elevation(), ...command];
  await run(program, rest);
}
