import type { Logger } from "./logger.ts";

/** What has been acquired and must be given back, in reverse. */
export type Releasers = {
  /** Adds a release. After `runAll` began, it runs as part of it, so that a start that is cut short leaks nothing. */
  push(name: string, release: () => Promise<void> | void): void;
  /** Runs each release once, in reverse, each awaited; an error is logged and does not stop the rest. Repeats await the first run. */
  runAll(): Promise<void>;
};

const defaultDeadlineMs = 30_000;

export function createReleasers(log: Logger): Releasers {
  const stack: { name: string; release: () => Promise<void> | void }[] = [];
  let running: Promise<void> | undefined;
  let late: Promise<void> = Promise.resolve();
  let drained = false;

  async function release(entry: { name: string; release: () => Promise<void> | void }): Promise<void> {
    try {
      await entry.release();
      log.debug({ released: entry.name }, "released");
    } catch (err) {
      log.error({ err, released: entry.name }, "a release failed");
    }
  }

  async function drain(): Promise<void> {
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      await release(entry);
    }
    drained = true;
  }

  return {
    push(name, fn) {
      if (drained) late = late.then(() => release({ name, release: fn }));
      else stack.push({ name, release: fn });
    },
    async runAll() {
      running ??= drain();
      await running;
      await late;
    },
  };
}

/**
 * Runs a daemon until SIGTERM or SIGINT: `start` acquires and pushes its releases; the first signal runs them and ends the process with 0, or
 * with 1 after `deadlineMs` (30 s); a second signal ends it at once (128 + the signal's number). A failed start releases and ends with 1.
 * Resolves once `start` has; the process then lives as long as what was started.
 */
export async function runDaemon(o: {
  log: Logger;
  start: (releasers: Releasers) => Promise<void>;
  deadlineMs?: number;
}): Promise<void> {
  const { log } = o;
  const releasers = createReleasers(log);
  let stopping = false;

  function onSignal(signal: NodeJS.Signals, number: number): void {
    if (stopping) {
      log.warn({ signal }, "second signal, ending at once");
      process.exit(128 + number);
    }
    stopping = true;
    log.info({ signal }, "stopping");
    void stop(releasers, log, o.deadlineMs ?? defaultDeadlineMs, 0);
  }
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  process.on("uncaughtExceptionMonitor", (err) => log.fatal({ err }, "uncaught error, the process ends"));

  try {
    await o.start(releasers);
  } catch (err) {
    // A start that a signal cut short fails because its ground was taken away: that is no failure to report.
    if (stopping) return;
    stopping = true;
    log.fatal({ err }, "start failed");
    await stop(releasers, log, o.deadlineMs ?? defaultDeadlineMs, 1);
  }
}

async function stop(releasers: Releasers, log: Logger, deadlineMs: number, exitCode: number): Promise<never> {
  // Not unref'ed: a release that waits for nothing the loop knows of must still meet the deadline.
  const deadline = setTimeout(() => {
    log.error({ deadlineMs }, "stopping took too long, ending with work undone");
    process.exit(1);
  }, deadlineMs);
  await releasers.runAll();
  clearTimeout(deadline);
  log.info("stopped");
  process.exit(exitCode);
}
