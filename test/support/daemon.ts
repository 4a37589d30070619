import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { get } from "node:https";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { parseFailpoints } from "#common/failpoint.ts";
import { eventually } from "./eventually.ts";

const repositoryRoot = join(import.meta.dirname, "../..");
// A worker proves its isolation first, for which a busy machine took 40 s, and three times that where it had to be asked again.
const readyMs = 180_000;

export type StartOptions = {
  /** Variables for this start alone, such as CATAPULT_FAILPOINT. */
  env?: Record<string, string>;
  /** spawned: does not wait until it answers, for one that is to die or to stall on its way. */
  until?: "answers" | "spawned";
};

export type DaemonEnd = { code: number | null; signal: NodeJS.Signals | null };

/** One daemon of the stack: the real command in a process of its own, that may be ended and started again. */
export type Daemon = {
  /** Of the newest process. */
  readonly pid: number;
  readonly logFile: string;
  isRunning(): boolean;
  /** Ends it by a signal and waits for its end; a paused one goes on first. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
  signal(signal: NodeJS.Signals): void;
  /** Starts one that has ended. */
  start(options?: StartOptions): Promise<void>;
  /** Ends it if it runs, then starts it. */
  restart(options?: StartOptions & { signal?: NodeJS.Signals }): Promise<void>;
  /** Settles once the newest process answers that it is ready. */
  ready(timeoutMs?: number): Promise<void>;
  /** Settles when the newest process has ended. */
  ended(): Promise<DaemonEnd>;
  log(): Promise<string>;
  /** Arms failpoints, in place of those before, without a start: of a process that runs, and of those that are started after it. */
  arm(failpoints: string): void;
  /** The failpoints that it was started with and that it has not hit. */
  missedFailpoints(): Promise<string[]>;
  /** The same of those that are armed from now on, and of hits from now on. */
  watchFailpoints(): Promise<() => Promise<string[]>>;
};

export async function startDaemon(o: {
  directory: string;
  command: "central" | "worker";
  /** The log's name; the command's if there is one of it. */
  name?: string;
  env: Record<string, string>;
  /** Answers 200 once it is up. */
  probe: string;
  ca: string;
  start?: StartOptions;
}): Promise<Daemon> {
  const logFile = join(o.directory, `${o.name ?? o.command}.log`);
  const armed: string[] = [];
  const failpointFile = `${logFile}.failpoints`;
  let arms = 0;
  const arm = (text: string): void => {
    for (const { name } of text === "" ? [] : parseFailpoints(text)) armed.push(name);
    // No two texts are the same: each is counted from its first hit.
    writeFileSync(failpointFile, text + "\n".repeat(++arms));
  };
  arm("");
  let child: ChildProcess;
  let exited: Promise<DaemonEnd>;
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;

  const start = async ({ env = {}, until = "answers" }: StartOptions = {}): Promise<void> => {
    for (const { name } of env["CATAPULT_FAILPOINT"] ? parseFailpoints(env["CATAPULT_FAILPOINT"]) : []) armed.push(name);
    const started = spawn(join(repositoryRoot, "cli/catapult"), [o.command], {
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: o.directory,
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"],
        LOG_LEVEL: "debug",
        CATAPULT_FAILPOINT: `@${failpointFile}`,
        ...o.env,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (started.pid === undefined) throw new Error(`catapult ${o.command} could not be started`);
    child = started;
    const sink = createWriteStream(logFile, { flags: "a" });
    for (const stream of [started.stdout, started.stderr]) stream.pipe(sink, { end: false });
    exited = new Promise((resolve) => {
      // "close": its last words are read.
      started.once("close", (code, signal) => {
        sink.end();
        void finished(sink).then(() => resolve({ code, signal }));
      });
    });
    if (until === "answers") await answers(started);
  };

  const answers = async (process: ChildProcess, timeoutMs = readyMs): Promise<void> =>
    eventually(async () => {
      if (process.exitCode !== null || process.signalCode !== null) {
        const end = await exited;
        throw new Error(`${o.command} ended with ${end.signal ?? end.code}: ${(await readLog()).slice(-4000)}`);
      }
      const status = await requestStatus(o.probe, o.ca);
      if (status !== 200) throw new Error(`${o.probe} answered ${status}: ${(await readLog()).slice(-2000)}`);
    }, timeoutMs);

  const readLog = async (): Promise<string> => readFile(logFile, "utf8").catch(() => "");

  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
    if (isRunning()) {
      child.kill(signal);
      child.kill("SIGCONT");
    }
    await exited;
  };

  try {
    await start(o.start);
  } catch (error) {
    // Nobody has it yet who could end it.
    await stop("SIGKILL");
    throw error;
  }
  return {
    get pid() {
      return child.pid ?? 0;
    },
    logFile,
    isRunning,
    stop,
    kill: () => stop("SIGKILL"),
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    signal: (signal) => void child.kill(signal),
    start,
    async restart({ signal, ...options } = {}) {
      await stop(signal);
      await start(options);
    },
    ready: (timeoutMs) => answers(child, timeoutMs),
    ended: () => exited,
    log: readLog,
    arm,
    async missedFailpoints() {
      const log = await readLog();
      return [...new Set(armed)].filter((name) => !log.includes(`failpoint ${name}: `));
    },
    async watchFailpoints() {
      const [armedBefore, logBefore] = [armed.length, (await readLog()).length];
      return async () => {
        const log = (await readLog()).slice(logBefore);
        return [...new Set(armed.slice(armedBefore))].filter((name) => !log.includes(`failpoint ${name}: `));
      };
    },
  };
}

async function requestStatus(url: string, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { ca, agent: false, timeout: 5_000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("timeout", function timeOut(this: { destroy(error: Error): void }) {
        this.destroy(new Error(`${url} did not answer in 5 s`));
      })
      .on("error", reject);
  });
}
