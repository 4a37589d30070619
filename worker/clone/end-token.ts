import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "#common/logger.ts";
import { revokeToken } from "#worker/clone/revoke-token.ts";

const pausesMs = [1_000, 5_000];

/** Revokes a clone's token in the background. What is asked for in vain three times ends by itself within an hour. */
export function endToken(o: {
  apiUrl: string;
  ca?: string[];
  token: string;
  background: (work: Promise<void>) => void;
  log: Logger;
}): void {
  if (o.token !== "") o.background(revokeSoon(o));
}

async function revokeSoon(o: { apiUrl: string; ca?: string[]; token: string; log: Logger }): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await revokeToken(o);
      return;
    } catch (err) {
      const pause = pausesMs[tries];
      if (pause === undefined) {
        o.log.warn({ err }, "the clone's token could not be revoked; it ends by itself within an hour");
        return;
      }
      await sleep(pause);
    }
  }
}
