import type { DescMessage } from "@bufbuild/protobuf";
import { parsePath } from "@bufbuild/protobuf/reflect";
import { Violation as PathViolation, violationsToProto } from "@bufbuild/protovalidate";
import { Code, ConnectError } from "@connectrpc/connect";
import { addReason } from "#common/rpc/reason-error.ts";
import type { Reason } from "#common/rpc/reasons.ts";

/** A field of a request, by its path from the request's top, and what is wrong with it. */
export type Violation = { field: string; message: string };

/**
 * The error for fields of a request, in the form in which the rules of the proto report theirs: the message names each field, and the
 * details are a buf.validate.Violations, a google.rpc.BadRequest and the reason.
 */
export function fieldError(
  code: Code,
  request: DescMessage,
  violations: readonly Violation[],
  reason: Reason = "invalid_field",
): ConnectError {
  const message = violations.map(({ field, message: text }) => `${field}: ${text}`).join("\n");
  const error = new ConnectError(message, code);
  const [value, desc] = violationsToProto(
    violations.map(({ field, message: text }) => new PathViolation(text, "catapult", parsePath(request, field), [], false)),
  );
  error.details.push({ desc, value });
  return addReason(error, reason, { fields: violations });
}

/** Throws invalid_argument if there is a violation. */
export function refuseViolations(request: DescMessage, violations: readonly Violation[]): void {
  if (violations.length > 0) throw fieldError(Code.InvalidArgument, request, violations);
}

/** A violation of the field if there is a problem. */
export function violationOf(field: string, problem: string | undefined): Violation[] {
  return problem === undefined ? [] : [{ field, message: problem }];
}
