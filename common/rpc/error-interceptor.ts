import type { Interceptor } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Logger } from "../logger.ts";
import type { DescMessage } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { pathFromViolationProto } from "@bufbuild/protovalidate";
import { ViolationsSchema, type Violation } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { callerKey } from "./caller.ts";
import { addReason, reasonError } from "./reason-error.ts";
import { methodPath } from "./sign.ts";

/**
 * The error boundary of a server. A ConnectError is an answer and passes; any other error is a fault of ours: its cause goes to the log, and
 * the client sees only `internal`. Nothing behind the interceptors could log it, as Connect drops the cause.
 */
export function createErrorInterceptor(o: { log: Logger }): Interceptor {
  return (next) => async (request) => {
    function convert(err: unknown): ConnectError {
      if (err instanceof ConnectError && err.code !== Code.Internal && err.code !== Code.Unknown)
        return describe(err, request.method.input);
      const rpc = methodPath(request.method);
      const caller = request.contextValues.get(callerKey);
      if (request.signal.aborted) {
        // What a handler throws once its caller hung up or its time ran out is the echo of that.
        o.log.info({ err, rpc, caller }, "an RPC ended early");
        return ConnectError.from(request.signal.reason, Code.Canceled);
      }
      o.log.error({ err, rpc, caller }, "an RPC failed");
      return reasonError(Code.Internal, "internal", "internal error");
    }

    async function* guardStream<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
      try {
        yield* messages;
      } catch (err) {
        throw convert(err);
      }
    }

    try {
      const response = await next(request);
      return response.stream ? { ...response, message: guardStream(response.message) } : response;
    } catch (err) {
      throw convert(err);
    }
  };
}

/** The rules in the proto report their violations without a reason of ours, and in a form that only those know who know protovalidate. */
function describe(error: ConnectError, input: DescMessage): ConnectError {
  if (error.code !== Code.InvalidArgument) return error;
  const violations = error.findDetails(ViolationsSchema).flatMap((found) => found.violations);
  if (violations.length === 0) return error;
  return addReason(error, "invalid_field", { fields: violations.map((violation) => describeField(violation, input)) });
}

/** A rule of the whole message is of no field. */
function describeField({ field, message }: Violation, input: DescMessage): { field: string; message: string } {
  return { field: field === undefined ? "" : pathToString(pathFromViolationProto(input, field)), message };
}
