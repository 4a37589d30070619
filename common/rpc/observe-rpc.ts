import { Code, ConnectError, type HandlerContext, type Interceptor } from "@connectrpc/connect";
import { methodPath } from "./sign.ts";

/** Hears of each RPC that was answered. `code`: its error; `ms`: how long its handler took, undefined where the gate refused it. */
export type RpcObserver = (rpc: { method: string; code: Code | undefined; ms: number | undefined }) => void;

/** Outermost, so that it hears of each answer as the caller gets it. A stream counts once it has begun. */
export function createObserveInterceptor(observe: RpcObserver): Interceptor {
  return (next) => async (request) => {
    const began = performance.now();
    const tell = (code: Code | undefined): void =>
      observe({ method: methodPath(request.method), code, ms: performance.now() - began });
    try {
      const response = await next(request);
      tell(undefined);
      return response;
    } catch (err) {
      tell(ConnectError.from(err).code);
      throw err;
    }
  };
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
