import { readFile, readlink, realpath, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { errorCode } from "#common/error-details.ts";

/** What PostgreSQL writes about itself into the data folder (see its miscadmin.h: pid, folder, start, port, …, status). */
export type PostmasterFile = { pid: number; status: string };

/** Reads postmaster.pid; undefined when there is none or it is not whole yet. */
export async function readPostmasterFile(data: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(path.join(data, "postmaster.pid"), "utf8").catch(() => "");
  const lines = text.split("\n");
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 0 ? { pid, status: (lines[7] ?? "").trim() } : undefined;
}

/**
 * Ends the server that a killed run left in this data folder. The process counts as ours only if it works in that very folder, so that
 * a process that merely got the same pid is never touched; the stale file is then removed, because PostgreSQL would take that process for itself.
 */
export async function stopLeftOver(data: string): Promise<"none" | "stopped"> {
  const file = await readPostmasterFile(data);
  if (!file) return "none";
  const works = await readlink(`/proc/${file.pid}/cwd`).catch(() => undefined);
  if (works === undefined) return "none";
  if (works !== (await realpath(data))) {
    await rm(path.join(data, "postmaster.pid"), { force: true });
    return "none";
  }
  await stopPostmaster(file.pid, async () => (await readlink(`/proc/${file.pid}/cwd`).catch(() => undefined)) !== works);
  return "stopped";
}

/** Fast stop (SIGINT: open sessions are rolled back), then immediate (SIGQUIT: recovery at the next start), then SIGKILL. */
export async function stopPostmaster(pid: number, isGone: () => boolean | Promise<boolean>): Promise<void> {
  for (const [signal, deadlineMs] of [
    ["SIGINT", 20_000],
    ["SIGQUIT", 5_000],
    ["SIGKILL", 5_000],
  ] as const) {
    if (await isGone()) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errorCode(error) === "ESRCH") return;
      throw new Error(`The PostgreSQL server with pid ${pid} could not be stopped by ${signal}.`, { cause: error });
    }
    for (let waited = 0; waited < deadlineMs; waited += 10) {
      if (await isGone()) return;
      await sleep(10);
    }
  }
  throw new Error(`The PostgreSQL server with pid ${pid} is still there after SIGINT, SIGQUIT and SIGKILL.`);
}
