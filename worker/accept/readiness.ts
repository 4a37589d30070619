import { errorMessage } from "#common/error-details.ts";

export type Readiness = {
  /** What is missing, in words; empty: ready. A good answer is kept for `keepMs`, a bad one is looked at anew. */
  check(): Promise<string[]>;
};

const probeTimeoutMs = 5_000;

/** Runs each probe; one that throws or takes too long is a problem by its name. */
export function createReadiness(probes: Record<string, () => Promise<void>>, keepMs = 5_000): Readiness {
  let readyUntil = 0;
  let running: Promise<string[]> | undefined;
  const run = async (): Promise<string[]> => {
    const found = await Promise.all(
      Object.entries(probes).map(async ([name, probe]) => {
        try {
          await withTimeout(probe());
          return undefined;
        } catch (error) {
          return `${name}: ${errorMessage(error)}`;
        }
      }),
    );
    const problems = found.filter((problem) => problem !== undefined);
    if (problems.length === 0) readyUntil = performance.now() + keepMs;
    return problems;
  };
  return {
    async check() {
      if (performance.now() < readyUntil) return [];
      running ??= run().finally(() => (running = undefined));
      return running;
    },
  };
}

async function withTimeout(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(`no answer in ${probeTimeoutMs / 1_000} s`)), probeTimeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
