// What a build can see of its own rights, surroundings and limits.
import { lstatSync, readdirSync, statfsSync, writeFileSync } from "node:fs";
import type { LimitName } from "../observation.ts";
import { read, readFirst, tell } from "./tell.ts";

export function lookAtProcess(): void {
  for (const line of read("/proc/self/status").split("\n")) {
    const [name = "", value = ""] = line.split(":\t");
    if (/^(Cap\w+|NoNewPrivs|Seccomp|Uid|Gid|Groups)$/.test(name)) tell({ kind: "status", name, value: value.trim() });
  }
  tell({ kind: "status", name: "arch", value: process.arch });
  tell({ kind: "init", command: read("/proc/1/cmdline").replaceAll("\0", " ").trim() });
}

export function tryToWrite(): void {
  for (const folder of ["/", "/etc", "/usr", "/usr/local/bin", "/opt", "/opt/catapult", "/var", "/root", "/sys/fs/cgroup"]) {
    const path = `${folder === "/" ? "" : folder}/.canary`;
    try {
      writeFileSync(path, "x");
      tell({ kind: "written", path: folder });
    } catch {
      // As it must be.
    }
  }
}

export function lookAtMounts(): void {
  for (const line of read("/proc/self/mountinfo").trim().split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", path = "", options = ""] = before.split(" ");
    const [type = "", , superOptions = ""] = after.split(" ");
    let [bytes, inodes] = [0, 0];
    try {
      const { bsize, blocks, files } = statfsSync(path);
      [bytes, inodes] = [bsize * blocks, files];
    } catch {
      // Masked, or of another user: it has no size for this one.
    }
    const writable = options.split(",").includes("rw") && superOptions.split(",").includes("rw");
    tell({ kind: "mount", mount: { path, root, type, writable, bytes, inodes } });
  }
  for (const entry of readdirSync("/dev", { recursive: true, encoding: "utf8" })) {
    const path = `/dev/${entry}`;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isBlockDevice() === true || found?.isCharacterDevice() === true)
      tell({ kind: "device", path, block: found.isBlockDevice() });
  }
}

function tellLimit(name: LimitName, value: string): void {
  tell({ kind: "limit", name, value: value === "max" || value === "unlimited" || value === "" ? -1 : Number(value) });
}

export function lookAtLimits(): void {
  tellLimit("memory", readFirst("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"));
  tellLimit("pids", readFirst("/sys/fs/cgroup/pids/pids.max", "/sys/fs/cgroup/pids.max"));
  const folder = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"].find((path) => read(`${path}/cpu.cfs_quota_us`) !== "");
  const [quota = "", period = ""] =
    folder === undefined
      ? read("/sys/fs/cgroup/cpu.max").trim().split(" ")
      : [read(`${folder}/cpu.cfs_quota_us`).trim(), read(`${folder}/cpu.cfs_period_us`).trim()];
  tellLimit("cpus", Number(quota) > 0 ? String(Number(quota) / Number(period)) : "");
  const limits = read("/proc/self/limits");
  for (const [name, title] of [
    ["nofile", "Max open files"],
    ["nproc", "Max processes"],
    ["core", "Max core file size"],
  ] as const)
    tellLimit(name, new RegExp(`^${title}\\s+\\S+\\s+(\\S+)`, "m").exec(limits)?.[1] ?? "");
}
