import { spawn } from "node:child_process";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readProcessStart } from "../setup/process-start.mjs";
import { endProcess, endLeftOver } from "./end-process.ts";
import { probe } from "./probe.ts";

const readyDeadlineMs = 120_000;

/** A daemon ended, or was not ready in time; the message ends with the last lines of its log. */
export class DaemonError extends Error {
  override name = "DaemonError";
}

export type Daemon = { pid: number; logFile: string; ended: Promise<string>; stop(): Promise<void> };

/**
 * Starts `catapult central` or `catapult worker` as production would, in a session of its own: Ctrl-C in the terminal reaches `up`, which
 * ends the daemons in order. Its log goes to a file, so that it lives on without a reader if `up` is killed; its pid and start time go
 * to another one, by which the next `up` ends it.
 */
export async function startDaemon(o: {
  repositoryRoot: string;
  stateDir: string;
  name: "central" | "worker";
  env: Record<string, string | undefined>;
  readyUrl: string;
  ca: string;
  signal: AbortSignal;
}): Promise<Daemon> {
  const logFile = path.join(o.stateDir, "log", `${o.name}.log`);
  const pidFile = path.join(o.stateDir, "run", `${o.name}.pid`);
  await Promise.all([mkdir(path.dirname(logFile), { recursive: true }), mkdir(path.dirname(pidFile), { recursive: true })]);
  await endLeftOver(pidFile);
  const log = await open(logFile, "w", 0o600);
  const child = spawn(path.join(o.repositoryRoot, "cli/catapult"), [o.name], {
    cwd: o.stateDir,
    env: o.env,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  await log.close();
  let end: string | undefined;
  void ended.then((reason) => (end = reason));
  const pid = child.pid ?? 0;
  if (pid > 0) await writeFile(pidFile, `${pid} ${(await readProcessStart(pid)) ?? ""}`);

  const stop = async (): Promise<void> => {
    if (end === undefined && pid > 0) await endProcess(pid, () => end !== undefined);
    await rm(pidFile, { force: true });
  };
  const fail = async (what: string): Promise<never> => {
    await stop();
    const tail = (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-20).join("\n");
    throw new DaemonError(`catapult ${o.name} ${what}. Its log, ${logFile}, ends:\n${tail}`);
  };
  const deadline = performance.now() + readyDeadlineMs;
  for (;;) {
    const answer = await probe(o.readyUrl, { ca: o.ca });
    if (answer?.status === 200) return { pid, logFile, ended, stop };
    if (end !== undefined) return fail(end);
    if (o.signal.aborted) return fail("was stopped while it started");
    if (performance.now() > deadline) {
      return fail(
        `was not ready after ${readyDeadlineMs / 1000} s: ${o.readyUrl} ${answer ? `answered ${answer.status} ${answer.body}` : "did not answer"}`,
      );
    }
    await sleep(50);
  }
}
