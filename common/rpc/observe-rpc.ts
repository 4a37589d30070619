import { Code, ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { methodPath } from "./sign.ts";

/**
 * Hears of each RPC that was answered, of a stream when it ended. `code`: its error, of a stream whose caller went away canceled; `ms`: how long its
 * handler took, undefined where the gate refused it.
 */
export type RpcObserver = (rpc: { method: string; code: Code | undefined; ms: number | undefined }) => void;

/** Outermost, so that it hears of each answer as the caller gets it. */
export function createObserveInterceptor(observe: RpcObserver): Interceptor {
  return (next) => async (request) => {
    const began = performance.now();
    const tell = (code: Code | undefined): void =>
      observe({ method: methodPath(request.method), code, ms: performance.now() - began });
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: observeStream(response.message, request.signal, tell) };
      tell(undefined);
      return response;
    } catch (err) {
      tell(ConnectError.from(err).code);
      throw err;
    }
  };
}

/** A stream's handler runs while its messages are taken. Once the caller is gone nobody takes them: then only the signal tells of its end. */
function observeStream<T>(
  messages: AsyncIterable<T>,
  signal: AbortSignal,
  tell: (code: Code | undefined) => void,
): AsyncIterable<T> {
  let isTold = false;
  function end(code: Code | undefined): void {
    signal.removeEventListener("abort", leave);
    if (!isTold) tell(code);
    isTold = true;
  }
  const leave = (): void => end(ConnectError.from(signal.reason, Code.Canceled).code);
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  async function* take(): AsyncGenerator<T> {
    try {
      yield* messages;
      end(undefined);
    } catch (err) {
      end(ConnectError.from(err).code);
      throw err;
    } finally {
      end(Code.Canceled);
    }
  }
  return take();
}

/** What the gate refuses never reaches the interceptors. */
export function observeGate(
  gate: (context: HandlerContext) => Promise<void>,
  observe: RpcObserver,
): (context: HandlerContext) => Promise<void> {
  return async (context) => {
    try {
      await gate(context);
    } catch (err) {
      observe({ method: methodPath(context.method), code: ConnectError.from(err, Code.Unavailable).code, ms: undefined });
      throw err;
    }
  };
}
