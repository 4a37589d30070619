import { readStatusCode } from "#worker/podman/podman-error.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";
import { createHolder, readHolderTerms, type Holder } from "./create-holder.ts";
import { releaseSandbox } from "./release-sandbox.ts";
import type { HolderSetup } from "./sandbox-types.ts";

/** After a build has taken one: by then it is started, and making the next does not slow its start. */
const refillDelayMs = 2000;
const tendMs = 15_000;
const inspectDeadlineMs = 10_000;

export type HolderPool = {
  /** One that no build had before, made from the same terms; whoever takes it must prove, use and release it. Undefined: none is ready. */
  take(key: string): Holder | undefined;
  /** Removes one that was taken and is no good, in the background. */
  discard(holder: Holder, why: unknown): void;
  /** Makes what is missing, in the background. Before `start` and after `stop` it does nothing. */
  refill(): void;
  /** Begins to make holders of this image, after the sweep, which would take them for left-overs; later it goes over to another image. */
  start(imageReference: string): void;
  /** Removes all that nobody took. */
  stop(): Promise<void>;
  /** Settles when nothing is being made or removed. */
  settled(): Promise<void>;
  size(): number;
};

export type HolderPoolOptions = {
  setup: HolderSetup;
  /** As many as builds run at once, or fewer. */
  size: number;
  /** A holder could not be made, removed or used; it is tried again. */
  onError: (error: unknown, message: string) => void;
  /** Awaited before each is made, and told each that was. */
  beforeMake?: () => Promise<void>;
  afterMake?: (holder: Holder) => Promise<void>;
  refillDelayMs?: number;
  tendMs?: number;
};

/**
 * Keeps a few networks with rules ready, so that isolation costs a build no time. Each serves one build. Those that ended, or that the
 * engine lost when it started again, are made anew by the timer at the latest, and are never used: a build takes none without a proof.
 */
export function createHolderPool(o: HolderPoolOptions): HolderPool {
  const warm: Holder[] = [];
  const busy = new Set<Promise<void>>();
  let filling = false;
  let open = false;
  let { setup } = o;
  let soon: NodeJS.Timeout | undefined;
  let tending: NodeJS.Timeout | undefined;

  const inBackground = (work: Promise<void>, message: string): void => {
    const entry = work.catch((error: unknown) => o.onError(error, message)).finally(() => busy.delete(entry));
    busy.add(entry);
  };
  const remove = (holder: Holder): void =>
    inBackground(releaseSandbox(o.setup.podman, holder.names), "a network kept ready could not be removed");
  const make = async (): Promise<void> => {
    await o.beforeMake?.();
    const from = setup;
    const holder = await createHolder(from, await readHolderTerms(from));
    await o.afterMake?.(holder);
    if (open && from === setup) warm.push(holder);
    else remove(holder);
  };
  const isWanted = (): boolean => open && warm.length < o.size;
  const fill = async (): Promise<void> => {
    try {
      while (isWanted()) await make();
    } finally {
      filling = false;
    }
  };
  const refill = (): void => {
    clearTimeout(soon);
    soon = undefined;
    if (filling || !isWanted()) return;
    filling = true;
    inBackground(fill(), "a network could not be made ready for the next build");
  };
  const tend = async (): Promise<void> => {
    const running = await Promise.all(warm.map(async (holder) => ({ holder, runs: await isRunning(holder) })));
    for (const { holder, runs } of running)
      if (!runs && warm.includes(holder)) {
        warm.splice(warm.indexOf(holder), 1);
        remove(holder);
      }
    refill();
  };

  return {
    take(key) {
      for (let holder = warm.shift(); holder !== undefined; holder = warm.shift()) {
        soon ??= setTimeout(refill, o.refillDelayMs ?? refillDelayMs).unref();
        if (holder.key === key) return holder;
        remove(holder);
      }
      return undefined;
    },
    discard(holder, why) {
      o.onError(why, "a network kept ready was of no use any more; another one is taken");
      remove(holder);
    },
    refill,
    start(imageReference) {
      if (setup.imageReference !== imageReference) {
        setup = { ...setup, imageReference };
        for (const holder of warm.splice(0)) remove(holder);
      }
      if (open) return refill();
      open = true;
      tending = setInterval(
        () => inBackground(tend(), "the networks kept ready could not be looked at"),
        o.tendMs ?? tendMs,
      ).unref();
      refill();
    },
    async stop() {
      open = false;
      clearTimeout(soon);
      clearInterval(tending);
      for (let holder = warm.shift(); holder !== undefined; holder = warm.shift()) remove(holder);
      await settle(busy);
    },
    settled: () => settle(busy),
    size: () => warm.length,
  };
}

async function settle(busy: ReadonlySet<Promise<void>>): Promise<void> {
  while (busy.size > 0) await Promise.all(busy);
}

/** An engine that does not answer says nothing about its containers. */
async function isRunning(holder: Holder): Promise<boolean> {
  try {
    return (await withDeadline(inspectDeadlineMs, "inspect a holder", holder.container.inspect())).State.Running;
  } catch (error) {
    return readStatusCode(error) !== 404;
  }
}
