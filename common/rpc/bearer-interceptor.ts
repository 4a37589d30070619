import type { Interceptor } from "@connectrpc/connect";

/** Sends a bearer token with each call. */
export function createBearerInterceptor(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set("Authorization", `Bearer ${token}`);
    return next(request);
  };
}
