export type RateLimit = {
  /** Whether one more call of `caller` is within its rate. */
  take(caller: string): boolean;
};

/** A bucket per caller: `burst` calls at once, and `perSecond` in the long run. Per replica, in memory; callers are few and authenticated. */
export function createRateLimit(o: { perSecond: number; burst: number; now?: () => number }): RateLimit {
  const now = o.now ?? (() => performance.now());
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    take(caller) {
      const at = now();
      const bucket = buckets.get(caller) ?? { left: o.burst, at };
      const left = Math.min(o.burst, bucket.left + ((at - bucket.at) / 1_000) * o.perSecond);
      const isTaken = left >= 1;
      buckets.set(caller, { left: isTaken ? left - 1 : left, at });
      return isTaken;
    },
  };
}
