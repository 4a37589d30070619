const firstMs = 500;
const maxMs = 15_000;

/** How long work waits that no worker took, the nth time in a row: half a second, doubled up to fifteen. A worker that is back is found soon. */
export function retryDelayMs(attempt: number): number {
  return Math.min(firstMs * 2 ** Math.min(attempt, 10), maxMs);
}

/** After how many attempts in a row the pull request is told that its worker cannot be reached: about half a minute. */
export const attemptsUntilTold = 6;
