export type Pool = {
  /** Starts a task once there is room for it; fails with the first error of any task before it. */
  add(bytes: number, task: () => Promise<void>): Promise<void>;
  /** Settles when all tasks have ended; fails with the first error. */
  done(): Promise<void>;
  /** Like `done`, but never fails. */
  settled(): Promise<void>;
};

/** Runs tasks side by side, bounded in number and in the bytes that they hold. */
export function createPool(limits: { tasks: number; bytes: number }): Pool {
  const running = new Set<Promise<void>>();
  let held = 0;
  let failure: { error: unknown } | undefined;
  const check = (): void => {
    if (failure !== undefined) throw failure.error;
  };
  const settled = async (): Promise<void> => {
    while (running.size > 0) await Promise.race(running);
  };
  return {
    async add(bytes, task) {
      while (running.size > 0 && (running.size >= limits.tasks || held + bytes > limits.bytes)) await Promise.race(running);
      check();
      held += bytes;
      const run = task()
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => {
          held -= bytes;
          running.delete(run);
        });
      running.add(run);
    },
    settled,
    async done() {
      await settled();
      check();
    },
  };
}
