/** How often, and for how long, a delivery is put off because GitHub's reads may not show yet what the delivery says. */
export const putOffsMs = [2_000, 5_000, 15_000];

/** GitHub shows otherwise than the delivery says; while `mayPutOff`, that may be a read that lags behind its webhook. */
export class ContradictedError extends Error {
  override name = "ContradictedError";
}

export function mayPutOff(delivery: { attempts: number }): boolean {
  return delivery.attempts <= putOffsMs.length;
}
