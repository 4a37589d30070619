import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

/** The kernel counts a process's time in these. */
const tickMs = 10;

/** Leaves the core that `startProcess` gives its script to it alone: this process and all that it starts from now on have the others. */
export async function leaveFirstCore(): Promise<void> {
  const cores = cpus().length;
  if (cores > 1) await promisify(execFile)("taskset", ["-acp", `1-${cores - 1}`, String(process.pid)]);
}

/**
 * Runs a script beside this process, on one core, with the flags that the launcher gives the daemons; whoever makes the load runs on the others.
 * The script prints one line of JSON once it serves.
 */
export async function startProcess(script: string, env: NodeJS.ProcessEnv = {}) {
  const words = ["--max-semi-space-size=2", script];
  const hasMore = cpus().length > 1;
  const [program, all] = hasMore ? ["taskset", ["-c", "0", process.execPath, ...words]] : [process.execPath, words];
  const child = spawn(program, all, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const said: unknown = await Promise.race([once(createInterface(child.stdout), "line"), once(child, "exit")]);
  if (!Array.isArray(said) || typeof said[0] !== "string") throw new Error("the server of the benchmark did not start");
  const found: unknown = JSON.parse(said[0]);
  const values = new Map(Object.entries({ ...(typeof found === "object" ? found : {}) }));
  return {
    text: (name: string) => String(values.get(name)),
    async residentBytes(): Promise<number> {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    },
    /** What it had of a core so far, in user and kernel mode. */
    async cpuMs(): Promise<number> {
      const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * tickMs;
    },
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
