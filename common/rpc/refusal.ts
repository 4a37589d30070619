import { Code, type ConnectError } from "@connectrpc/connect";
import { reasonError } from "./reason-error.ts";

/** Why a caller was not let in. It is for the log alone: an answer that told would help whoever probes. */
export type RefusalReason =
  | "no_guard"
  | "guard_not_served"
  | "signature_missing"
  | "signature_malformed"
  | "signature_stale"
  | "signature_key_unknown"
  | "signature_wrong"
  | "signature_replayed"
  | "signature_digest_differs"
  | "token_missing"
  | "token_unknown";

/** The one answer to every caller that is not let in, whatever the reason. */
export function createRefusal(): ConnectError {
  return reasonError(Code.Unauthenticated, "unauthenticated", "the call carries no valid signature or token");
}
