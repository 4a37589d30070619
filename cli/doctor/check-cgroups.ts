import { readFile } from "node:fs/promises";
import { errorMessage } from "#common/error-details.ts";
import type { Need } from "./need.ts";

const wanted = ["memory", "pids", "cpu"] as const;

/** Whether the kernel can hold builds to their memory, processes and processors, on cgroup v2, v1 or both. */
export async function checkCgroups(): Promise<Need> {
  const base = { name: "cgroups", need: "required" as const };
  try {
    const unified = await readFile("/sys/fs/cgroup/cgroup.controllers", "utf8").catch(() => undefined);
    const { layout, controllers } =
      unified === undefined
        ? { layout: "v1", controllers: readEnabled(await readFile("/proc/cgroups", "utf8")) }
        : { layout: "v2", controllers: unified.trim().split(/\s+/) };
    const missing = wanted.filter((name) => !controllers.includes(name));
    if (missing.length === 0) return { ...base, found: true, detail: `${layout} with ${wanted.join(", ")}` };
    const advice = `switch the controllers on: kernel parameters cgroup_enable=${missing.join(" cgroup_enable=")}, or the container's own settings`;
    return { ...base, found: false, detail: `${layout} without ${missing.join(", ")}`, advice };
  } catch (error) {
    return { ...base, found: false, detail: errorMessage(error), advice: "mount /proc and /sys/fs/cgroup" };
  }
}

/** The controllers of /proc/cgroups that are enabled: name, hierarchy, number of cgroups, enabled. */
export function readEnabled(text: string): string[] {
  const rows = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return rows.map((line) => line.split(/\s+/)).flatMap(([name = "", , , enabled]) => (enabled === "1" ? [name] : []));
}
