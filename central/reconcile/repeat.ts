import type { Logger } from "#common/logger.ts";

export type Sweepers = { stop(): Promise<void> };

/**
 * Runs work at once and then every so often, never beside itself. A failure is logged, and the next time comes all the same. The signal says
 * that it stops: work that takes long ends between two of its steps.
 */
export function repeat(log: Logger, name: string, everyMs: number, work: (stopping: AbortSignal) => Promise<void>): Sweepers {
  let running: Promise<void> | undefined;
  const stopping = new AbortController();
  function tick(): void {
    running ??= work(stopping.signal)
      .catch((err: unknown) => {
        if (!stopping.signal.aborted) log.warn({ err, sweeper: name }, "a sweeper failed");
      })
      .finally(() => {
        running = undefined;
      });
  }
  const timer = setInterval(tick, everyMs);
  tick();
  return {
    async stop() {
      clearInterval(timer);
      stopping.abort();
      await running;
    },
  };
}
