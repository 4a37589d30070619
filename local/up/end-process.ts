import { readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "#common/error-details.ts";
import { isSameProcess } from "../setup/process-start.mjs";

/** A daemon's own deadline is 30 s; what is not gone after this is stuck. */
const graceMs = 35_000;

/** Asks the leader of a process group to end, and ends the whole group at once when it has not in 35 s. */
export async function endProcess(pid: number, isGone: () => boolean | Promise<boolean>): Promise<void> {
  signal(pid, "SIGTERM");
  for (let waited = 0; waited < graceMs; waited += 20) {
    if (await isGone()) return;
    await sleep(20);
  }
  signal(-pid, "SIGKILL");
}

/** Ends what a killed run left, if the process that the file names still is that very one. */
export async function endLeftOver(pidFile: string): Promise<void> {
  const [pid = "", start = ""] = (await readFile(pidFile, "utf8").catch(() => "")).split(" ");
  if (await isSameProcess(Number(pid), start))
    await endProcess(Number(pid), async () => !(await isSameProcess(Number(pid), start)));
  await rm(pidFile, { force: true });
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}
