/** Runs at most one piece of work per key at a time, in the order of the calls. */
export function createKeyedLock(): <T>(key: bigint, work: () => Promise<T>) => Promise<T> {
  const tails = new Map<bigint, Promise<unknown>>();
  return async (key, work) => {
    const before = tails.get(key) ?? Promise.resolve();
    const run = before.then(work);
    const tail = run.catch(() => undefined);
    tails.set(key, tail);
    try {
      return await run;
    } finally {
      if (tails.get(key) === tail) tails.delete(key);
    }
  };
}
