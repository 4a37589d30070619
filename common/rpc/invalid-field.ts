import { Code, type ConnectError } from "@connectrpc/connect";
import { reasonError } from "./reason-error.ts";

/** The refusal of one field of a request, by its path. The message must not quote what may be secret. */
export function invalidField(field: string, message: string): ConnectError {
  return reasonError(Code.InvalidArgument, "invalid_field", `${field}: ${message}`, { fields: [{ field, message }] });
}
