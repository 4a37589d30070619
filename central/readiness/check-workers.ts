import type { Pool } from "pg";
import { askWorker } from "./ask-worker.ts";
import { claimWorkers } from "./sql/claim-workers.ts";
import { setReadiness } from "./sql/set-readiness.ts";

/** Asks every enabled worker that was not asked for 30 s, and records what it said. Harmless on any number of replicas. */
export async function checkWorkers(o: { pool: Pool; everySeconds?: number }): Promise<void> {
  const workers = await claimWorkers(o.pool, o.everySeconds ?? 30);
  await Promise.all(workers.map(async ({ id, endpoint }) => setReadiness(o.pool, id, await askWorker(endpoint))));
}
