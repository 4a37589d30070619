import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "#test/support/stack.ts";
import { withDeadline } from "#worker/podman/with-deadline.ts";

export type MachineWatch = {
  /** How long, in milliseconds, the machine or Podman was too slow for anything on it to be judged. */
  slowMs(): number;
  stop(): Promise<void>;
};

const everyMs = 1_000;
/** Podman lists its containers in some milliseconds; where everything else ran at the same time it took minutes. */
const answerMs = 2_000;
const giveUpMs = 30_000;

/**
 * Asks Podman for its list once a second from beside the stack: whatever an answer takes longer than two seconds, this process's own waiting for the
 * processor included, is the machine's time and not the product's.
 */
export function watchMachine(stack: Stack): MachineWatch {
  const stopping = new AbortController();
  let slow = 0;
  let asked: number | undefined;
  const excess = (): number => (asked === undefined ? 0 : Math.max(0, performance.now() - asked - answerMs));
  const watching = (async () => {
    while (!stopping.signal.aborted) {
      asked = performance.now();
      await withDeadline(giveUpMs, "list containers", stack.podman.podman.listContainers()).catch(() => undefined);
      slow += excess();
      asked = performance.now();
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      slow += excess();
      asked = undefined;
    }
  })();
  return {
    slowMs: () => Math.round(slow + excess()),
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}
