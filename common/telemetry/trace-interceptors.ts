import type { Interceptor } from "@connectrpc/connect";
import type { DescMethod } from "@bufbuild/protobuf";
import { currentTraceparent, traced } from "./traced.ts";

const header = "traceparent";

/** Each attempt of a call is a span, which the other side's span belongs to. */
export function createTraceClientInterceptor(): Interceptor {
  return (next) => async (request) =>
    traced(name(request.method), { kind: "client", attributes: describe(request.method) }, async () => {
      const traceparent = currentTraceparent();
      if (traceparent !== undefined) request.header.set(header, traceparent);
      return next(request);
    });
}

/** A single call is a span of its caller's trace. Streams are none: they last as long as somebody looks. */
export function createTraceServerInterceptor(): Interceptor {
  return (next) => async (request) => {
    if (request.stream || !request.service.typeName.startsWith("catapult.")) return next(request);
    const parent = request.header.get(header);
    return traced(name(request.method), { kind: "server", parent, attributes: describe(request.method) }, async () =>
      next(request),
    );
  };
}

function name(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}

function describe(method: DescMethod): Record<string, string> {
  return { "rpc.system": "connect_rpc", "rpc.service": method.parent.typeName, "rpc.method": method.name };
}
