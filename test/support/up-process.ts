import { spawn } from "node:child_process";
import { launcher } from "#test/cli/run-catapult.ts";
import { eventually } from "./eventually.ts";

export type UpProcess = {
  readonly pid: number;
  /** All that it has printed, to either stream. */
  output(): string;
  /** Waits for the summary. */
  ready(): Promise<void>;
  /** As the terminal's Ctrl-C: to the process group. */
  interrupt(): void;
  /** As a terminal that is closed: nobody reads any more, and the process group is told. */
  hangUp(): void;
  kill(): void;
  readonly exited: Promise<number | NodeJS.Signals | null>;
};

/** A real `catapult up` in a terminal's place: a process group of its own, and none of what a shell that sourced an env file has set. */
export function startUp(stateDir: string): UpProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(CATAPULT_|GITHUB_|DATABASE_URL)/.test(name)));
  const child = spawn(launcher, ["up", "--state-dir", stateDir], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const { pid } = child;
  if (pid === undefined) throw new Error("catapult up could not be started");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exited = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? code));
  });
  let ended = false;
  void exited.then(() => (ended = true));
  return {
    pid,
    exited,
    output: () => output,
    async ready() {
      const isThere = await eventually(() => {
        if (output.includes("Ctrl-C stops everything")) return true;
        if (ended) return false;
        throw new Error(`catapult up is not ready; it said:\n${output}`);
      }, 180_000);
      if (!isThere) throw new Error(`catapult up ended; it said:\n${output}`);
    },
    interrupt: () => void process.kill(-pid, "SIGINT"),
    hangUp() {
      child.stdout.destroy();
      child.stderr.destroy();
      process.kill(-pid, "SIGHUP");
    },
    kill: () => void process.kill(pid, "SIGKILL"),
  };
}
