import { setTimeout as sleep } from "node:timers/promises";
import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { errorCode } from "../error-details.ts";

const firstPauseMs = 200;
const longestPauseMs = 5_000;

/**
 * Tries single requests again after `unavailable` and after a connection that broke, with pauses that double and vary, until `retries` are
 * used up or the call's time is over. It stands outermost: what signs stands within, so each attempt has a fresh nonce. The methods it is used
 * for must be harmless to repeat.
 */
export function createRetryInterceptor(retries: number): Interceptor {
  return (next) => async (request) => {
    if (request.stream) return next(request);
    for (let attempt = 0; ; attempt++) {
      try {
        return await next(request);
      } catch (error) {
        if (attempt >= retries || request.signal.aborted || !isRetryable(error)) throw error;
      }
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** attempt);
      await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: request.signal }).catch((error: unknown) => {
        throw ConnectError.from(request.signal.reason ?? error);
      });
    }
  };
}

function isRetryable(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  if (error.code === Code.Unavailable) return true;
  // connect-node calls a kept-alive connection that the server closed in the same moment `aborted`.
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (["ECONNRESET", "EPIPE", "EHOSTUNREACH", "ENETUNREACH"].includes(errorCode(cause) ?? "")) return true;
  }
  return false;
}
