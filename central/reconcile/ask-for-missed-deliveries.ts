import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { type HookDelivery, listHookDeliveries, redeliverHook } from "#central/github/hook-deliveries.ts";
import { chooseMissed } from "./choose-missed.ts";
import { countRepair } from "./count-repair.ts";
import { claimPeriodicWork } from "./sql/claim-periodic-work.ts";
import { recordCompleteUntil } from "./sql/record-complete-until.ts";
import { selectSweepStart } from "./sql/select-sweep-start.ts";
import { selectUnstored } from "./sql/select-unstored.ts";

const name = "deliveries";
/** 30,000 deliveries. What is older than these is left to the comparison with GitHub, which repairs what they would have changed. */
const maxPages = 300;
/** GitHub takes 5,000 calls an hour of an App; the rest of what is missed waits for the next look, oldest first. */
const maxAsked = 200;

type Context = { pool: Pool; github: GitHub; log: Logger; stopping: AbortSignal };

/**
 * Asks GitHub once more for the deliveries that never got here: it does not send them again by itself. One replica does it in each interval.
 * A look that fails half-way is repeated by the next one from where the last complete one ended.
 */
export async function askForMissedDeliveries(o: Context, everySeconds: number): Promise<void> {
  if (!(await claimPeriodicWork(o.pool, name, everySeconds))) return;
  const { from, now } = await selectSweepStart(o.pool, name);
  const listed = await listSince(o, from);
  const missing = new Set(await selectUnstored(o.pool, [...new Set(listed.map((each) => each.guid))]));
  const missed = chooseMissed(listed, missing);
  const asked = missed.slice(0, maxAsked);
  for (const delivery of asked) {
    o.stopping.throwIfAborted();
    await redeliverHook(o.github, delivery.id);
    await countRepair(o.pool, "delivery_missed");
    o.log.warn({ delivery: delivery.guid, status: delivery.statusCode }, "a delivery never arrived and was asked for again");
  }
  // A redelivery that fails as well is listed as an attempt of its own, after now.
  await recordCompleteUntil(o.pool, name, missed.length > asked.length ? (asked.at(-1)?.deliveredAt ?? from) : now);
}

async function listSince(o: Context, from: Date): Promise<HookDelivery[]> {
  const listed: HookDelivery[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    o.stopping.throwIfAborted();
    const { deliveries, next } = await listHookDeliveries(o.github, cursor);
    listed.push(...deliveries.filter((each) => each.deliveredAt >= from));
    if (next === undefined || deliveries.some((each) => each.deliveredAt < from)) return listed;
    cursor = next;
  }
  o.log.error(
    { from, deliveries: listed.length },
    "GitHub lists more deliveries than are looked through; the oldest are left out",
  );
  return listed;
}
