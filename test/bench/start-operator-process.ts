import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startPostgres } from "#local/postgres/start-postgres.ts";
import { startProcess } from "./start-process.ts";

/** OperatorService in a process on one core, with a PostgreSQL of its own. */
export async function startOperatorProcess() {
  const stateDir = await mkdtemp(join(tmpdir(), "catapult-bench-"));
  const postgres = await startPostgres({ stateDir, log: () => undefined });
  const server = await startProcess(join(import.meta.dirname, "operator-process.ts"), { BENCH_DATABASE_URL: postgres.url });
  return {
    ...server,
    url: server.text("url"),
    token: server.text("token"),
    deployment: BigInt(server.text("deployment")),
    databaseUrl: postgres.url,
    async stop() {
      await server.stop();
      await postgres.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
