import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { claimPeriodicWork } from "./sql/claim-periodic-work.ts";
import { deleteOldRows, type OldRows } from "./sql/delete-old-rows.ts";

/** How long what the tables record is kept after its end, in milliseconds. */
export type Retention = { deliveriesMs: number; logsMs: number; historyMs: number };

/** Small enough that a batch holds no lock that anything waits for; more than comes in meanwhile. */
const batch = 500;
const maxBatches = 200;
const everySeconds = 60;

/** A nonce is refused by its timestamp once it is expired; clocks of replicas differ. */
const nonceMs = 60_000;
const failedJobMs = 7 * 86_400_000;

/** Bounds every table that grows with what happens, by age, in small batches; one replica does it at a time. */
export async function deleteWhatIsOld(
  o: { pool: Pool; log: Logger },
  retention: Retention,
  stopping?: AbortSignal,
): Promise<void> {
  if (!(await claimPeriodicWork(o.pool, "retention", everySeconds))) return;
  const ages: [OldRows, number][] = [
    ["nonces", nonceMs],
    ["deliveries", retention.deliveriesMs],
    ["logLines", Math.min(retention.logsMs, retention.historyMs)],
    ["egress", Math.min(retention.logsMs, retention.historyMs)],
    ["deployments", retention.historyMs],
    ["jobs", failedJobMs],
  ];
  for (const [kind, ms] of ages) {
    const deleted = await deleteBatches(o.pool, kind, ms / 1000, stopping);
    if (deleted > 0 && kind !== "nonces") o.log.info({ kind, deleted }, "what was old was deleted");
  }
}

async function deleteBatches(pool: Pool, kind: OldRows, olderThanSeconds: number, stopping?: AbortSignal): Promise<number> {
  let total = 0;
  for (let n = 0; n < maxBatches; n += 1) {
    if (stopping?.aborted === true) break;
    const deleted = await deleteOldRows(pool, kind, { olderThanSeconds, limit: batch });
    total += deleted;
    if (deleted < batch) break;
  }
  return total;
}
