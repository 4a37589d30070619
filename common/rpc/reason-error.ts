import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#gen/google/rpc/error_details_pb.js";
import type { Reason } from "./reasons.ts";

const domain = "catapult";
/** How long to wait where nothing better is known. */
const retryMs = 1_000;

export type ReasonDetails = {
  /** The fields of the request that the error is about, by their paths. */
  fields?: readonly { field: string; message: string }[];
  metadata?: Readonly<Record<string, string>>;
  retryAfterMs?: number;
  cause?: unknown;
};

/** An answer that programs can go by: a stable reason, the fields that are at fault, and how long to wait where waiting helps. */
export function reasonError(code: Code, reason: Reason, message: string, o: ReasonDetails = {}): ConnectError {
  return addReason(new ConnectError(message, code, undefined, undefined, o.cause), reason, o);
}

/** Gives an error its reason, unless it has one. */
export function addReason(error: ConnectError, reason: Reason, o: ReasonDetails = {}): ConnectError {
  if (readReason(error) !== undefined) return error;
  error.details.push({ desc: ErrorInfoSchema, value: create(ErrorInfoSchema, { reason, domain, metadata: { ...o.metadata } }) });
  if (o.fields !== undefined && o.fields.length > 0) {
    const fieldViolations = o.fields.map(({ field, message }) => ({ field, description: message }));
    error.details.push({ desc: BadRequestSchema, value: create(BadRequestSchema, { fieldViolations }) });
  }
  if (error.code === Code.Unavailable || error.code === Code.ResourceExhausted) {
    const retryDelay = durationFromMs(o.retryAfterMs ?? retryMs);
    error.details.push({ desc: RetryInfoSchema, value: create(RetryInfoSchema, { retryDelay }) });
  }
  return error;
}

/** The stable reason of an error of Catapult's; undefined: it carries none. */
export function readReason(error: ConnectError): string | undefined {
  return error.findDetails(ErrorInfoSchema).find((info) => info.domain === domain)?.reason;
}
