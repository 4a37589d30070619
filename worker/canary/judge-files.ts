import type { BuildLimits } from "#worker/sandbox/limits.ts";
import { expect, type Evidence, type Findings, type Seen } from "./evidence.ts";
import type { Mount } from "./observation.ts";

const devices = /^\/dev\/(null|zero|full|random|urandom|tty|console|ptmx|pts\/(ptmx|\d+))$/;
/** Names that Podman writes for a container, each a file of its own. */
const engineFiles = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/passwd", "/etc/group", "/run/.containerenv"];
const kernelTypes = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"];

/** Podman's masks and the kernel's own mounts below these. */
function isMask({ path }: Mount): boolean {
  return path.startsWith("/proc/") || path.startsWith("/sys/");
}

export function judgeFiles({ limits, outside }: Evidence, { written, mounts, devices: found }: Seen): Findings {
  const root = mounts.findLast((mount) => mount.path === "/");
  const caps = capTmpfs(limits);
  const foreign = mounts.filter(
    (mount) =>
      mount.path !== "/" &&
      !isMask(mount) &&
      !engineFiles.includes(mount.path) &&
      !(kernelTypes.includes(mount.type) && /^\/(proc|sys|dev)(\/|$)/.test(mount.path)) &&
      !(mount.type === "tmpfs" && (mount.path === "/dev" || mount.path in caps)) &&
      !(mount.type === "devtmpfs" || (mount.path.startsWith("/dev/") && devices.test(mount.path))),
  );
  const tmpfs = Object.entries(caps).flatMap(([path, cap]) => {
    const mount = mounts.findLast((candidate) => candidate.path === path);
    const fits =
      mount?.type === "tmpfs" &&
      mount.bytes > 0 &&
      (cap.exact ? mount.bytes === cap.bytes : mount.bytes <= cap.bytes) &&
      (cap.inodes === undefined || (mount.inodes > 0 && mount.inodes <= cap.inodes));
    return fits ? [] : [`${path}: ${mount?.type} of ${mount?.bytes} bytes and ${mount?.inodes} inodes`];
  });
  const others = found.filter((device) => device.block || !devices.test(device.path));
  return {
    read_only_root: expect(
      written.length === 0 && root?.writable === false && outside.readOnly,
      `wrote in ${written.join(" ")}; / is ${root?.writable === false ? "read-only" : "writable"}`,
    ),
    tmpfs: expect(tmpfs.length === 0, tmpfs.join("; ")),
    mounts: expect(
      foreign.length === 0 && outside.mountTypes.every((type) => type === "volume" || type === "tmpfs") && mounts.length > 0,
      `${foreign.map((mount) => `${mount.path} (${mount.type})`).join(" ")} ${outside.mountTypes.join(" ")}`,
    ),
    devices: expect(others.length === 0 && found.length > 0, others.map(({ path }) => path).join(" ")),
  };
}

function capTmpfs(limits: BuildLimits): Record<string, { bytes: number; exact?: boolean; inodes?: number }> {
  const disk = Math.floor(limits.diskBytes / 4096) * 4096;
  const volume = { bytes: disk, exact: true, inodes: Math.min(4_000_000, Math.max(65_536, disk / 4096)) };
  const small = { bytes: 2 ** 20 };
  return {
    "/build": volume,
    "/nix": volume,
    "/tmp": { bytes: Math.max(16 * 2 ** 20, limits.diskBytes / 4) + 4096 },
    "/run": small,
    "/var/tmp": small,
    "/dev/shm": { bytes: 64 * 2 ** 20 },
  };
}
