export type Locks = <T>(key: number, work: () => Promise<T>) => Promise<T>;

/** Runs work on one key strictly one after the other: a push is told from its neighbours by the refs before and after it. */
export function createLocks(): Locks {
  const tails = new Map<number, Promise<unknown>>();
  return async (key, work) => {
    const before = tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const tail = mine.catch(() => undefined);
    tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (tails.get(key) === tail) tails.delete(key);
    }
  };
}
