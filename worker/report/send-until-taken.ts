import { Code, ConnectError } from "@connectrpc/connect";
import { setTimeout as sleep } from "node:timers/promises";

/** What one report gets; the next one carries what this one did. */
export const sendTimeoutMs = 10_000;

/** Repeats a send with growing pauses until it is taken or not wanted, `deadlineMs` have gone, or the signal says to stop. */
export async function sendUntilTaken(
  send: (signal: AbortSignal) => Promise<unknown>,
  o: { deadlineMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const deadline = performance.now() + (o.deadlineMs ?? Infinity);
  const signals = o.signal === undefined ? [] : [o.signal];
  for (let tries = 0; ; tries++) {
    try {
      await send(AbortSignal.any([...signals, AbortSignal.timeout(sendTimeoutMs)]));
      return;
    } catch (error) {
      if (isUnwanted(error)) return;
      if (performance.now() > deadline || o.signal?.aborted === true) throw error;
    }
    await sleep(Math.min(250 * 2 ** tries, 15_000), undefined, o.signal === undefined ? {} : { signal: o.signal });
  }
}

/** Central does not want the report, however often it comes. */
export function isUnwanted(error: unknown): boolean {
  return error instanceof ConnectError && [Code.FailedPrecondition, Code.NotFound, Code.InvalidArgument].includes(error.code);
}
