import { setTimeout as sleep } from "node:timers/promises";
import type { Canary, CanaryState } from "./create-canary.ts";

const pollMs = 50;

/**
 * The state once no run is under way, or as it is after `deadlineMs`. A build that was accepted may begin minutes later, after its clone: what was
 * proven then may hold no longer.
 */
export async function awaitProof(canary: Pick<Canary, "state">, signal: AbortSignal, deadlineMs = 60_000): Promise<CanaryState> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const state = canary.state();
    if (state.kind !== "running" || signal.aborted || performance.now() > deadline) return state;
    await sleep(pollMs);
  }
}
