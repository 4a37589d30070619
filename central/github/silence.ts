/** GitHub asked to be left alone, so that it was not called. */
export class SilencedError extends Error {
  override name = "SilencedError";
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super(`GitHub asked to be left alone for ${Math.ceil(retryAfterMs / 1000)} s more`);
    this.retryAfterMs = retryAfterMs;
  }
}

export type Silence = {
  /** Throws a SilencedError while it lasts. */
  check(): void;
  /** Leaves GitHub alone for so long, unless it is left alone for longer already. */
  keep(ms: number): void;
};

/** What one installation, or the App itself, owes GitHub: calls in the meantime would prolong it, and end in a ban. */
export function createSilence(clock: () => number = () => performance.now()): Silence {
  let until = 0;
  return {
    check() {
      const left = until - clock();
      if (left > 0) throw new SilencedError(Math.max(left, 1));
    },
    keep(ms) {
      until = Math.max(until, clock() + ms);
    },
  };
}
