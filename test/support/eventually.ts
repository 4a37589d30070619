import { setTimeout as sleep } from "node:timers/promises";

/**
 * Repeats `attempt` every 50 ms until it does not throw and returns its value; after `timeoutMs` the last error is thrown.
 * What it waits for is a promise of the system, so the limit is generous and says nothing about speed.
 */
export async function eventually<T>(attempt: () => Promise<T> | T, timeoutMs = 40_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(50);
  }
}
