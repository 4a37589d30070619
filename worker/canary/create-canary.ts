import { errorMessage } from "#common/error-details.ts";
import type { Logger } from "#common/logger.ts";
import type { FailedProof } from "./judge.ts";

export type CanaryState =
  /** The first run, or the first since the engine changed, has not ended: nobody knows yet. */
  | { kind: "running" }
  | { kind: "proven"; imageId: string }
  /** The names of the proofs that failed. */
  | { kind: "failed"; proofs: string[] };

/** What one run found, and of which image: a proof is worth nothing for another one. */
export type CanaryOutcome = { failed: FailedProof[]; imageId: string };

export type Canary = {
  state(): CanaryState;
  /** What was proven may hold no longer: proves it anew, and no build begins until that is done. */
  suspect(reason: string): void;
  /** Ends a run and waits for it. */
  stop(): Promise<void>;
};

export type CanarySchedule = { everyMs: number; retryMs: number; maxRetryMs: number };

/** After a failure it is tried again soon: what was repaired must not wait ten minutes. */
export const canarySchedule: CanarySchedule = { everyMs: 600_000, retryMs: 5_000, maxRetryMs: 60_000 };

/** Runs the proofs now, on a timer and when the engine changed; never two at once. */
export function createCanary(o: {
  run: (signal: AbortSignal) => Promise<CanaryOutcome>;
  /** Told before builds are taken on it. */
  onProven?: (imageId: string) => void;
  log: Logger;
  schedule?: CanarySchedule;
}): Canary {
  const { everyMs, retryMs, maxRetryMs } = o.schedule ?? canarySchedule;
  const stopping = new AbortController();
  let state: CanaryState = { kind: "running" };
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | undefined;
  let again = false;

  const tryRun = async (): Promise<CanaryOutcome> => {
    try {
      return await o.run(stopping.signal);
    } catch (error) {
      return { failed: [{ proof: "engine", detail: errorMessage(error) }], imageId: "" };
    }
  };
  const runOnce = async (): Promise<void> => {
    again = false;
    const began = performance.now();
    const { failed, imageId } = await tryRun();
    const ms = Math.round(performance.now() - began);
    // What happened since this run began may have undone it.
    if (stopping.signal.aborted || again) return;
    if (failed.length === 0) {
      failures = 0;
      o.onProven?.(imageId);
      state = { kind: "proven", imageId };
      o.log.info({ ms, imageId }, "isolation is proven");
    } else {
      failures += 1;
      state = { kind: "failed", proofs: failed.map(({ proof }) => proof) };
      o.log.error({ ms, failed }, "isolation is not proven: no builds are taken");
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
    state: () => state,
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
