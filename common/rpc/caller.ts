import type { ContextKey } from "@connectrpc/connect";
import { createContextKey } from "@connectrpc/connect";

/** Who calls, as the gate proved it. */
export type Caller =
  | { kind: "worker"; worker: string; kid?: string }
  | { kind: "central" }
  /** With an environment, the token sees and changes that environment alone. */
  | { kind: "token"; name: string; scope: "read" | "write"; environment?: string | undefined };

/** A handler reads its caller by `context.values.get(callerKey)`. */
export const callerKey: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(undefined, {
  description: "caller",
});

/** The digest that a valid signature promised; the digest interceptor holds the decoded message against it. */
export const promisedDigestKey: ContextKey<string | undefined> = createContextKey<string | undefined>(undefined, {
  description: "promised digest",
});

/** Where the call came from, for the log. Behind a proxy this is the proxy. */
export const remoteAddressKey: ContextKey<string | undefined> = createContextKey<string | undefined>(undefined, {
  description: "remote address",
});
