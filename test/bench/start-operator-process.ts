import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startPostgres } from "#local/postgres/start-postgres.ts";

/** OperatorService in a process on one core, with a PostgreSQL of its own. */
export async function startOperatorProcess() {
  const stateDir = await mkdtemp(join(tmpdir(), "catapult-bench-"));
  const postgres = await startPostgres({ stateDir, log: () => undefined });
  const script = join(import.meta.dirname, "operator-process.ts");
  const env = { ...process.env, BENCH_DATABASE_URL: postgres.url };
  const words = availableParallelism() > 1 ? ["taskset", "-c", "0", process.execPath, script] : [process.execPath, script];
  const [program = "", ...rest] = words;
  const child = spawn(program, rest, { env, stdio: ["ignore", "pipe", "inherit"] });
  const lines = createInterface(child.stdout);
  const said: unknown = await Promise.race([once(lines, "line"), once(child, "exit")]);
  if (!Array.isArray(said) || typeof said[0] !== "string") throw new Error("the server of the benchmark did not start");
  const found: unknown = JSON.parse(said[0]);
  const text = (name: string) => String(new Map(Object.entries({ ...(typeof found === "object" ? found : {}) })).get(name));
  return {
    url: text("url"),
    token: text("token"),
    deployment: BigInt(text("deployment")),
    databaseUrl: postgres.url,
    async residentBytes(): Promise<number> {
      const status = await readFile(`/proc/${child.pid}/status`, "utf8");
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    },
    async stop() {
      child.kill("SIGKILL");
      await once(child, "exit");
      await postgres.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
