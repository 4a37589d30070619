import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { traced } from "#common/telemetry/traced.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { processDelivery } from "./process-delivery.ts";
import { claimDeliveries, type ClaimedDelivery } from "./sql/claim-deliveries.ts";
import { renewClaims } from "./sql/renew-claims.ts";

export type Intake = {
  /** Says that a delivery was stored: it is taken up at once instead of at the next poll. */
  wake(): void;
  /** Takes nothing up any more and waits for what runs. */
  stop(): Promise<void>;
};

const pollMs = 500;
/** Four times in a claim's time: a busy moment of the database loses none. */
const renewMs = 5_000;
/** Below the pool's size, so that reports and webhooks find a connection too. */
const concurrency = 8;

/** Works off the inbox for as long as it runs. */
export function createIntake(o: { pool: Pool; github: GitHub; log: Logger }): Intake {
  const running = new Map<Promise<void>, ClaimedDelivery>();
  const stopping = new AbortController();
  let claiming: Promise<void> | undefined;
  let again = false;

  function wake(): void {
    if (stopping.signal.aborted) return;
    again = true;
    claiming ??= claim().finally(() => {
      claiming = undefined;
    });
  }

  async function claim(): Promise<void> {
    while (again && !stopping.signal.aborted && running.size < concurrency) {
      again = false;
      const free = concurrency - running.size;
      try {
        const deliveries = await claimDeliveries(o.pool, free);
        if (deliveries.length === free) again = true;
        for (const delivery of deliveries) {
          const { guid, event, traceparent } = delivery;
          const attributes = { "catapult.delivery": guid, "catapult.event": event };
          start(
            delivery,
            traced("intake", { parent: traceparent, attributes }, async () => processDelivery(o, delivery)),
          );
        }
      } catch (err) {
        o.log.error({ err }, "the inbox could not be read");
      }
    }
  }

  function start(delivery: ClaimedDelivery, work: Promise<void>): void {
    const done: Promise<void> = work
      .catch((err: unknown) => o.log.error({ err }, "a delivery could not be ended; it is taken up again"))
      .finally(() => {
        running.delete(done);
        wake();
      });
    running.set(done, delivery);
  }

  async function renew(): Promise<void> {
    if (running.size === 0) return;
    try {
      await renewClaims(o.pool, [...running.values()]);
    } catch (err) {
      o.log.warn({ err }, "claims of deliveries could not be renewed; another replica may take these up");
    }
  }

  const timer = setInterval(wake, pollMs);
  const renewal = setInterval(() => void renew(), renewMs);
  wake();
  return {
    wake,
    async stop() {
      stopping.abort();
      clearInterval(timer);
      await claiming;
      await Promise.all(running.keys());
      clearInterval(renewal);
    },
  };
}
