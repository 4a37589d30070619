/** Ctrl-C, a plain kill, or the terminal's end. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * `asked` settles at the first signal that asks this process to stop, and `signal` aborts with it. A second one ends the process at once:
 * what it started is then ended by the next start.
 */
export function awaitStop(o: { onSecond: () => void }): { asked: Promise<void>; signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const asked = new Promise<void>((resolve) => {
    controller.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const listener = (): void => {
    if (controller.signal.aborted) o.onSecond();
    controller.abort();
  };
  for (const each of signals) process.on(each, listener);
  return {
    asked,
    signal: controller.signal,
    release() {
      for (const each of signals) process.off(each, listener);
    },
  };
}
