import type { Logger } from "#common/logger.ts";

export type Sweepers = { stop(): Promise<void> };

/** Runs work at once and then every so often, never beside itself. A failure is logged, and the next time comes all the same. */
export function repeat(log: Logger, name: string, everyMs: number, work: () => Promise<void>): Sweepers {
  let running: Promise<void> | undefined;
  function tick(): void {
    running ??= work()
      .catch((err: unknown) => log.warn({ err, sweeper: name }, "a sweeper failed"))
      .finally(() => {
        running = undefined;
      });
  }
  const timer = setInterval(tick, everyMs);
  tick();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
