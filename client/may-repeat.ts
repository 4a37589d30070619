import type { DescMethod, Message } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { readReason } from "./read-reason.ts";

/** Writes whose repeat would do more, or would be answered by an error that hides that the first one succeeded. */
const once: ReadonlySet<string> = new Set([
  "CreateEnvironment",
  "CreateWorker",
  "CreateDeploymentConfig",
  "CreateToken",
  "DeleteEnvironment",
  "DeleteWorker",
  "DeleteDeploymentConfig",
  "DeleteBuildVariable",
  "RotateWorkerKey",
  "Redeploy",
]);
/** The connection was never made, so Central has not seen the call. */
const notSent = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"];
const broken = [...notSent, "ECONNRESET", "EPIPE", "ETIMEDOUT"];

/**
 * Whether a failed call may be tried again. What Central itself calls unavailable has stored nothing, so any call may. After a connection that
 * broke, or a proxy's own error, nobody knows: then only what does no harm the second time.
 */
export function mayRepeat(method: DescMethod, error: ConnectError, request: Message): boolean {
  const reads = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  const codes = listNetworkCodes(error);
  if (codes.some((code) => notSent.includes(code))) return true;
  if (error.code === Code.Unavailable && readReason(error) !== undefined) return true;
  if (!reads && (once.has(method.name) || hasEtag(request))) return false;
  return error.code === Code.Unavailable || codes.some((code) => broken.includes(code));
}

/** The first one changed the etag: a repeat would be answered as if somebody else had. The etag is the request's own, or its resource's. */
function hasEtag(request: Message): boolean {
  return [request, ...Object.values(request)].some(
    (each: unknown) =>
      typeof each === "object" && each !== null && "etag" in each && typeof each.etag === "string" && each.etag !== "",
  );
}

/** The codes of the system's errors behind a call's. */
export function listNetworkCodes(error: unknown): string[] {
  const codes: string[] = [];
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") codes.push(cause.code);
    if (cause instanceof AggregateError) codes.push(...cause.errors.flatMap((each: unknown) => listNetworkCodes(each)));
  }
  return codes;
}
