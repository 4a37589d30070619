import { errorMessage } from "#common/error-details.ts";

/** What is missing, in words that anybody may read: no path and no address. */
export class NotReady extends Error {
  override readonly name = "NotReady";
}

export type Answer = {
  /** What is missing, `name: reason` each; empty: ready. */
  problems: string[];
  /** Nothing is wrong but that the proofs of isolation still run, so that asking again soon is worth it. */
  soon: boolean;
};

export type Readiness = {
  /** A good answer of the probes is kept for `keepMs`, a bad one is looked at anew; isolation is told as it is. */
  check(): Promise<Answer>;
};

/** The proofs of isolation: undefined, they hold. */
export type Isolation = () => { reason: string; running: boolean } | undefined;

const probeTimeoutMs = 5_000;

/**
 * Runs each probe; one that throws or takes too long is a problem by its name. What it threw may name paths, and goes to `onProblem` alone,
 * when it differs from what was said last.
 */
export function createReadiness(o: {
  probes: Record<string, () => Promise<void>>;
  isolation?: Isolation;
  onProblem?: (details: string[]) => void;
  keepMs?: number;
}): Readiness {
  let readyUntil = 0;
  let running: Promise<string[]> | undefined;
  let told = "";
  const run = async (): Promise<string[]> => {
    const found = await Promise.all(
      Object.entries(o.probes).map(async ([name, probe]) => {
        try {
          await withTimeout(probe());
          return undefined;
        } catch (error) {
          const reason = error instanceof NotReady ? error.message : "failed; the worker's log says how";
          return { problem: `${name}: ${reason}`, detail: `${name}: ${errorMessage(error)}` };
        }
      }),
    );
    const problems = found.filter((problem) => problem !== undefined);
    if (problems.length === 0) readyUntil = performance.now() + (o.keepMs ?? 5_000);
    const details = problems.map(({ detail }) => detail);
    if (details.length > 0 && details.join("\n") !== told) o.onProblem?.(details);
    told = details.join("\n");
    return problems.map(({ problem }) => problem);
  };
  const probe = async (): Promise<string[]> => {
    if (performance.now() < readyUntil) return [];
    running ??= run().finally(() => (running = undefined));
    return running;
  };
  return {
    async check() {
      const problems = await probe();
      const isolation = o.isolation?.();
      return {
        problems: isolation === undefined ? problems : [...problems, `isolation: ${isolation.reason}`],
        soon: problems.length === 0 && isolation?.running === true,
      };
    },
  };
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, refuse) => {
    timer = setTimeout(() => refuse(new NotReady(`no answer in ${probeTimeoutMs / 1_000} s`)), probeTimeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
