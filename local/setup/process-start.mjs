import { readFile } from "node:fs/promises";

/**
 * When a process began, in the kernel's ticks since boot, with the boot's id: together with the pid it names one process for ever, since
 * pids come again. undefined: there is no such process, or it has ended and waits for its parent.
 *
 * @param {number} pid
 * @returns {Promise<string | undefined>}
 */
export async function readProcessStart(pid) {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets, which may hold spaces and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    return `${boot.trim()}/${fields[19] ?? ""}`;
  } catch {
    return undefined;
  }
}

/**
 * True when the process with this pid is the one that began then.
 *
 * @param {number} pid
 * @param {string} start
 */
export async function isSameProcess(pid, start) {
  return Number.isInteger(pid) && pid > 0 && start !== "" && (await readProcessStart(pid)) === start;
}
