import type { Readiness } from "#worker/accept/readiness.ts";

/** A worker that stops says so before all else, and as something that passes soon: a Build is answered BUSY, not refused. */
export function withDraining(readiness: Readiness, isStopping: () => boolean): Readiness {
  return {
    check: async () =>
      isStopping() ? { problems: ["draining: the worker is stopping; it takes no more work"], soon: true } : readiness.check(),
  };
}
