import { Code } from "@connectrpc/connect";
import { setTimeout as sleep } from "node:timers/promises";
import { failpoint } from "#common/failpoint.ts";
import { reasonError } from "#common/rpc/reason-error.ts";
import type { ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { SiteKind } from "#gen/catapult/v1/deployment_pb.js";
import { Outcome, type BuildRequest, type CleanupRequest } from "#gen/catapult/v1/worker_service_pb.js";
import { refuseRemoval } from "#worker/accept/refuse-removal.ts";
import type { SiteState } from "#worker/accept/site-state.ts";
import type { SiteStore } from "#worker/accept/site-store.ts";
import { Stopped } from "#worker/accept/stopped.ts";

export type Work = {
  deploy(request: BuildRequest, controller: AbortController): Promise<void>;
  remove(request: CleanupRequest, controller: AbortController): Promise<void>;
  /** Ends the token of a request that was not taken: Central cannot tell whether an answer ACCEPTED was for this token or for one before. */
  endToken(token: string): void;
  /** Reports a result again, in the background. */
  reportAgain(finished: ReportStatusRequest): void;
};

export type Acceptor = {
  build(request: BuildRequest): Promise<Outcome>;
  /** Throws failed_precondition for a removal of what this worker knows otherwise. */
  cleanup(request: CleanupRequest): Promise<Outcome>;
  /** Goes on with removals that a stop cut short. */
  resume(): Promise<void>;
  running(): number;
  /** Whether work on this site runs. */
  isWorking(this: void, siteId: bigint): boolean;
  /**
   * Removes a preview to make room, and settles when it is gone; its generation stays, so that the next one brings it back. False: it is no
   * preview, not live, or is being worked on.
   */
  evict(siteId: bigint): Promise<boolean>;
  isStopping(this: void): boolean;
  /** Takes no more work, and gives what runs so long to end. */
  drain(ms: number): Promise<void>;
  /** Takes no more work, ends what runs and waits for its end. */
  stop(): Promise<void>;
};

type Run = { generation: bigint; takesSlot: boolean; controller: AbortController; done: Promise<void> };

/**
 * Decides which work is taken. One run per site: a newer generation ends the one before it and begins when that is gone. Every generation is
 * on the disk before it is answered, so that nothing lower wins after a crash either.
 */
export function createAcceptor(o: {
  store: SiteStore;
  slots: number;
  work: Work;
  onError: (error: unknown, siteId: bigint) => void;
}): Acceptor {
  const runs = new Map<bigint, Run>();
  let stopping = false;
  /** Builds that were given a slot, and whose generation is on its way to the disk. */
  let beginning = 0;
  const slotsTaken = (): number => beginning + [...runs.values()].filter((run) => run.takesSlot).length;

  const start = (
    siteId: bigint,
    generation: bigint,
    takesSlot: boolean,
    why: Stopped,
    work: (controller: AbortController) => Promise<void>,
  ): void => {
    const before = runs.get(siteId);
    const controller = new AbortController();
    before?.controller.abort(why);
    // What it takes the place of has its slot until that is gone, with its clone and its container.
    const run: Run = { generation, takesSlot: takesSlot || before?.takesSlot === true, controller, done: Promise.resolve() };
    run.done = (async () => {
      try {
        await before?.done;
        run.takesSlot = takesSlot;
        await work(controller);
      } catch (error) {
        o.onError(error, siteId);
      } finally {
        if (runs.get(siteId) === run) runs.delete(siteId);
      }
    })();
    runs.set(siteId, run);
  };

  const startRemoval = ({ siteId, generation, host }: SiteState): void =>
    start(siteId, generation, false, new Stopped("removed", "the site is being removed"), (controller) =>
      o.work.remove({ $typeName: "catapult.v1.CleanupRequest", siteId, generation, host }, controller),
    );

  return {
    async build(request) {
      let isTaken = false;
      try {
        return await o.store.withLock(request.siteId, async () => {
          const { siteId, generation } = request;
          const state = o.store.get(siteId);
          const running = runs.get(siteId);
          if (state !== undefined && generation < state.generation) return Outcome.SUPERSEDED;
          if (state?.generation === generation) {
            if (state.removal !== undefined) return Outcome.SUPERSEDED;
            if (running?.generation === generation) return Outcome.ACCEPTED;
            if (state.finished !== undefined) {
              o.work.reportAgain(state.finished);
              return Outcome.ALREADY_DONE;
            }
          }
          // Switching to a release that exists costs nothing; it never waits for builds.
          const takesSlot = request.release === "";
          if (stopping || (takesSlot && running?.takesSlot !== true && slotsTaken() >= o.slots)) return Outcome.BUSY;
          // Builds of other sites are decided on meanwhile.
          if (takesSlot) beginning += 1;
          try {
            await o.store.put(acceptGeneration(state, request));
            await failpoint("accept.after-store");
            isTaken = true;
            start(
              siteId,
              generation,
              takesSlot,
              new Stopped("superseded", `generation ${generation} of the site took its place`),
              (controller) => o.work.deploy(request, controller),
            );
          } finally {
            if (takesSlot) beginning -= 1;
          }
          return Outcome.ACCEPTED;
        });
      } finally {
        if (!isTaken) o.work.endToken(request.cloneToken);
      }
    },
    cleanup: (request) =>
      o.store.withLock(request.siteId, async () => {
        const { siteId, generation } = request;
        const state = o.store.get(siteId);
        if (state !== undefined && generation < state.generation) return Outcome.SUPERSEDED;
        const refusal = refuseRemoval(state, request);
        if (refusal !== undefined) throw reasonError(Code.FailedPrecondition, "removal_refused", refusal);
        if (state?.generation === generation && state.removal !== undefined) {
          if (runs.has(siteId)) return Outcome.ACCEPTED;
          if (state.removal === "done" && state.finished !== undefined) {
            o.work.reportAgain(state.finished);
            return Outcome.ALREADY_DONE;
          }
        }
        if (stopping) return Outcome.BUSY;
        const {
          finished: _,
          unreported: __,
          evicted: ___,
          ...kept
        } = state ?? { siteId, host: request.host, kind: "preview", newestMtime: 0 };
        await o.store.put({ ...kept, generation, removal: "pending", changedAt: Date.now() });
        start(siteId, generation, false, new Stopped("removed", "the site is being removed"), (controller) =>
          o.work.remove(request, controller),
        );
        return Outcome.ACCEPTED;
      }),
    async evict(siteId) {
      const run = await o.store.withLock(siteId, async () => {
        const state = o.store.get(siteId);
        if (stopping || state === undefined || runs.has(siteId) || !isEvictable(state)) return undefined;
        const { finished: _, unreported: __, ...kept } = state;
        await o.store.put({ ...kept, removal: "pending", evicted: true, changedAt: Date.now() });
        startRemoval(state);
        return runs.get(siteId);
      });
      await run?.done;
      return run !== undefined;
    },
    async resume() {
      const pending = [...o.store.all()].filter((state) => state.removal === "pending");
      for (const state of pending) startRemoval(state);
    },
    running: () => runs.size,
    isWorking: (siteId) => runs.has(siteId),
    isStopping: () => stopping,
    async drain(ms) {
      stopping = true;
      const deadline = new AbortController();
      const ended = Promise.all([...runs.values()].map((run) => run.done));
      await Promise.race([ended, sleep(ms, undefined, { signal: deadline.signal }).catch(() => undefined)]);
      deadline.abort();
    },
    async stop() {
      stopping = true;
      for (const run of runs.values())
        run.controller.abort(new Stopped("shutdown", "the worker stopped, and had no time to end this"));
      await Promise.all([...runs.values()].map((run) => run.done));
    },
  };
}

/** Only a preview that is served, and on which nothing else is decided, may go to make room. */
export function isEvictable(state: SiteState): boolean {
  return state.kind === "preview" && state.live !== undefined && state.removal === undefined;
}

function acceptGeneration(state: SiteState | undefined, request: BuildRequest): SiteState {
  // A site that was removed is built anew; its files are gone.
  const live = state?.live === undefined || state.removal !== undefined ? undefined : state;
  return {
    siteId: request.siteId,
    // Until the new release is live, the old one is served where it was.
    host: live?.host ?? request.host,
    kind: live?.kind ?? (request.kind === SiteKind.PRODUCTION ? "production" : "preview"),
    generation: request.generation,
    newestMtime: state?.newestMtime ?? 0,
    ...(live?.live === undefined ? {} : { live: live.live }),
    ...(live?.liveAt === undefined ? {} : { liveAt: live.liveAt }),
    changedAt: Date.now(),
  };
}
