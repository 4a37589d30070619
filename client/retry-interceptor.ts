import { setTimeout as sleep } from "node:timers/promises";
import { type Interceptor, ConnectError } from "@connectrpc/connect";
import { mayRepeat } from "./may-repeat.ts";
import { readRetryDelay } from "./read-reason.ts";

const firstPauseMs = 200;
const longestPauseMs = 5_000;

/** Tries single calls again where that does no harm, after as long as Central asks for, or with pauses that double and vary. */
export function createRetryInterceptor(retries: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return next(request);
    for (let attempt = 0; ; attempt += 1) {
      let pauseMs: number;
      try {
        return await next(request);
      } catch (error) {
        const found = ConnectError.from(error);
        if (attempt >= retries || request.signal.aborted || !mayRepeat(request.method, found, request.message)) throw error;
        pauseMs = readRetryDelay(found) ?? pauseAfter(attempt);
      }
      await sleep(pauseMs, undefined, { signal: request.signal }).catch((error: unknown) => {
        throw ConnectError.from(request.signal.reason ?? error);
      });
    }
  };
}

/** Half of it varies, so that many callers do not come back at once. */
export function pauseAfter(attempt: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** attempt) * (0.5 + Math.random() / 2);
}
