import { setTimeout as sleep } from "node:timers/promises";
import { errorMessage } from "#common/error-details.ts";
import type { Logger } from "#common/logger.ts";
import { describeFault } from "./describe-fault.ts";
import type { FailedProof } from "./evidence.ts";

export type CanaryState =
  /** The first run, or the first since the engine changed, has not ended: nobody knows yet. */
  | { kind: "running" }
  | { kind: "proven"; imageId: string }
  /** It held, but for so long nobody has proven it again that it may hold no more. */
  | { kind: "expired" }
  /** The names of the proofs that failed. */
  | { kind: "failed"; proofs: string[] }
  /** Podman did not answer as the canary needs: nothing is proven, and nothing disproved. */
  | { kind: "unanswered"; reason: string };

/** What one run found, and of which image: a proof is worth nothing for another one. */
export type CanaryOutcome =
  | { kind: "judged"; failed: FailedProof[]; imageId: string }
  /** `reason` may be shown to anyone; `detail` is for the worker's log. */
  | { kind: "unanswered"; reason: string; detail: string };

export type Canary = {
  state(): CanaryState;
  /** What was proven may hold no longer: proves it anew, and no build begins until that is done. */
  suspect(reason: string): void;
  /** Ends a run and waits for it. */
  stop(): Promise<void>;
};

export type CanarySchedule = { everyMs: number; retryMs: number; maxRetryMs: number; askAgainMs?: number };

/** After a failure it is tried again soon: what was repaired must not wait ten minutes. */
export const canarySchedule: CanarySchedule = { everyMs: 600_000, retryMs: 5_000, maxRetryMs: 60_000 };

/** A proof is as old as the begin of its run; twice the timer's interval leaves room for one run that is late. */
const expiry = 2;

/** Runs the proofs now, on a timer and when the engine changed; never two at once. */
export function createCanary(o: {
  run: (signal: AbortSignal) => Promise<CanaryOutcome>;
  /** Told before builds are taken on it. */
  onProven?: (imageId: string) => void;
  log: Logger;
  schedule?: CanarySchedule;
}): Canary {
  const { everyMs, retryMs, maxRetryMs, askAgainMs = 500 } = o.schedule ?? canarySchedule;
  const stopping = new AbortController();
  let state: CanaryState = { kind: "running" };
  let provenAt = 0;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | undefined;
  let again = false;

  const tryRun = async (): Promise<CanaryOutcome> => {
    try {
      return await o.run(stopping.signal);
    } catch (error) {
      return { kind: "unanswered", reason: describeFault(error), detail: errorMessage(error) };
    }
  };
  /** An engine that failed to answer is asked once more at once: one call that went wrong must not keep builds waiting. */
  const runTwice = async (): Promise<CanaryOutcome> => {
    const first = await tryRun();
    if (first.kind === "judged" || stopping.signal.aborted) return first;
    const { reason, detail } = first;
    o.log.warn({ reason, detail }, "Podman did not answer as the proof of isolation needs; it is asked once more");
    await sleep(askAgainMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    return stopping.signal.aborted ? first : tryRun();
  };
  const runOnce = async (): Promise<void> => {
    again = false;
    const began = performance.now();
    const outcome = await runTwice();
    const ms = Math.round(performance.now() - began);
    // What happened since this run began may have undone it.
    if (stopping.signal.aborted || again) return;
    if (outcome.kind === "unanswered") {
      failures += 1;
      const { reason, detail } = outcome;
      state = { kind: "unanswered", reason };
      o.log.error({ ms, reason, detail }, "isolation could not be proven: no builds are taken");
    } else if (outcome.failed.length > 0) {
      failures += 1;
      state = { kind: "failed", proofs: outcome.failed.map(({ proof }) => proof) };
      o.log.error({ ms, failed: outcome.failed }, "isolation is not proven: no builds are taken");
    } else {
      failures = 0;
      provenAt = began;
      o.onProven?.(outcome.imageId);
      state = { kind: "proven", imageId: outcome.imageId };
      o.log.info({ ms, imageId: outcome.imageId }, "isolation is proven");
    }
  };
  const start = (): void => {
    clearTimeout(timer);
    current = runOnce().finally(() => {
      current = undefined;
      if (stopping.signal.aborted) return;
      if (again) start();
      else timer = setTimeout(start, failures === 0 ? everyMs : Math.min(retryMs * 2 ** (failures - 1), maxRetryMs));
    });
  };
  start();
  return {
    state: () => (state.kind === "proven" && performance.now() - provenAt > expiry * everyMs ? { kind: "expired" } : state),
    suspect(reason) {
      if (stopping.signal.aborted) return;
      o.log.warn({ reason }, "isolation is proven anew");
      if (state.kind === "proven") state = { kind: "running" };
      if (current === undefined) start();
      else again = true;
    },
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await current;
    },
  };
}
