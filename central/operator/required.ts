import { Code } from "@connectrpc/connect";
import { reasonError } from "#common/rpc/reason-error.ts";

/** A message field that the proto's rules require. */
export function required<T>(value: T | undefined, field: string): T {
  if (value !== undefined) return value;
  const message = `${field}: must be set`;
  throw reasonError(Code.InvalidArgument, "invalid_field", message, { fields: [{ field, message }] });
}
