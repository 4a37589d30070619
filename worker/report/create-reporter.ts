import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ReportStatusRequestSchema,
  type ReportStatusRequest,
  type ReportStatusResponse,
} from "#gen/catapult/v1/central_service_pb.js";
import type { DeploymentState, Stage } from "#gen/catapult/v1/deployment_pb.js";
import { StageTimingSchema, type StageTiming } from "#gen/catapult/v1/deployment_pb.js";
import type { Masker } from "#worker/mask/create-masker.ts";
import { cleanLine } from "#worker/report/clean-line.ts";
import { createLineBuffer } from "#worker/report/line-buffer.ts";
import { isUnwanted, sendTimeoutMs, sendUntilTaken } from "#worker/report/send-until-taken.ts";

export type SendReport = (request: ReportStatusRequest, signal?: AbortSignal) => Promise<ReportStatusResponse>;

/** By then the lease has ended long ago; a start tries the stored result once more. */
const finalMs = 600_000;

export type Reporter = {
  setState(state: DeploymentState): void;
  line(text: string): void;
  addTiming(stage: Stage, durationMs: number): void;
  timings(): StageTiming[];
  /** Reports at once, and settles when Central has answered a report that was begun after this call, or none is sent any more. */
  confirm(): Promise<void>;
  /** Whether Central has answered a report that was begun less than `ms` ago, without ordering the end. */
  confirmedWithin(ms: number): boolean;
  /** Stops reporting without a last word. */
  stop(): Promise<void>;
  /** Sends what is left of the log, then the end, and settles when Central has it or does not want it any more. */
  finish(last: ReportStatusRequest): Promise<void>;
};

export type ReporterOptions = {
  send: SendReport;
  siteId: bigint;
  generation: bigint;
  deploymentId: bigint;
  state: DeploymentState;
  /** Masks what no line may hold. */
  masker?: Masker;
  /** Central ordered the end. */
  onCancel: () => void;
  /** Central has given the work to somebody else, or must be taken to have: nothing was acknowledged for a lease's length. */
  onLost: (message: string) => void;
  intervalMs?: number;
  leaseMs?: number;
  finalMs?: number;
};

/**
 * Reports one deployment: at once when its state changes, else every `intervalMs`, one report at a time; what happens meanwhile goes with the
 * next. Lines stay until they are acknowledged.
 */
export function createReporter(o: ReporterOptions): Reporter {
  const intervalMs = o.intervalMs ?? 1_500;
  const leaseMs = o.leaseMs ?? 30_000;
  const lines = createLineBuffer();
  const timings: StageTiming[] = [];
  const ending = new AbortController();
  let state = o.state;
  let changed = true;
  let wake: (() => void) | undefined;
  let acknowledgedAt = performance.now();
  /** When the last report that was answered was begun: what Central has decided since is not known here. */
  let confirmedAt = -Infinity;
  let over = false;
  let waiting: { since: number; settle: () => void }[] = [];

  const sendOnce = async (request: ReportStatusRequest): Promise<ReportStatusResponse> => {
    const batch = lines.next();
    const began = performance.now();
    const answer = await o.send(
      { ...request, firstLogLine: batch.lines.length === 0 ? 0n : batch.first, logLines: batch.lines },
      AbortSignal.timeout(sendTimeoutMs),
    );
    acknowledgedAt = performance.now();
    if (!answer.cancel) confirmedAt = began;
    lines.acknowledge(answer.acknowledgedLogLine);
    return answer;
  };
  const snapshot = (): ReportStatusRequest =>
    create(ReportStatusRequestSchema, {
      siteId: o.siteId,
      generation: o.generation,
      deploymentId: o.deploymentId,
      state,
      stageTimings: timings,
    });
  const settleWaiting = (until: number): void => {
    for (const one of waiting) if (one.since <= until) one.settle();
    waiting = waiting.filter(({ since }) => since > until);
  };
  const wait = async (ms: number): Promise<void> => {
    if (changed || ending.signal.aborted) return;
    await new Promise<void>((settle) => {
      const timer = setTimeout(settle, ms);
      wake = () => {
        clearTimeout(timer);
        settle();
      };
    });
    wake = undefined;
  };
  const loop = async (): Promise<void> => {
    let failures = 0;
    while (!ending.signal.aborted) {
      changed = false;
      let lost: string | undefined;
      try {
        const answer = await sendOnce(snapshot());
        failures = 0;
        if (answer.cancel) o.onCancel();
        settleWaiting(answer.cancel ? Infinity : confirmedAt);
        if (lines.hasFullBatch()) changed = true;
      } catch (error) {
        failures++;
        if (isUnwanted(error))
          lost = `Central does not want reports of this deployment any more: ${ConnectError.from(error).message}`;
        else if (performance.now() - acknowledgedAt > leaseMs) {
          lost = `Central acknowledged no report for ${leaseMs / 1_000} s, the last error being: ${ConnectError.from(error).message}`;
        }
      }
      if (lost !== undefined) {
        o.onLost(lost);
        return;
      }
      if (failures > 0)
        await sleep(Math.min(250 * 2 ** failures, 4_000), undefined, { signal: ending.signal }).catch(() => undefined);
      else await wait(intervalMs);
    }
  };
  const looping = loop().finally(() => {
    over = true;
    settleWaiting(Infinity);
  });
  const stop = async (): Promise<void> => {
    ending.abort();
    wake?.();
    await looping;
  };
  return {
    setState(next) {
      if (next === state) return;
      state = next;
      changed = true;
      wake?.();
    },
    line: (text) => lines.push(cleanLine(text, o.masker)),
    addTiming(stage, durationMs) {
      timings.push(create(StageTimingSchema, { stage, durationMs: BigInt(Math.round(durationMs)) }));
    },
    timings: () => timings,
    async confirm() {
      if (over) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ since: performance.now(), settle: resolve });
      changed = true;
      wake?.();
      await promise;
    },
    confirmedWithin: (ms) => performance.now() - confirmedAt < ms,
    stop,
    async finish(last) {
      await stop();
      await sendUntilTaken(
        async () => {
          // The log's end must not be lost with the last report: the lines go first.
          while (lines.hasFullBatch()) if ((await sendOnce(snapshot())).acknowledgedLogLine === 0n) break;
          await sendOnce(last);
        },
        { deadlineMs: o.finalMs ?? finalMs },
      );
    },
  };
}
