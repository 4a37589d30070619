import type { Fault } from "#local/forge/faults.ts";
import type { Stack } from "#test/support/stack.ts";

/** What befalls Catapult's calls to GitHub while it stands. `area`: to which part of the API. */
export type ForgeFault = { area: "all" | "comments" | "pulls" | "tokens" } & (
  | { kind: "delay"; ms: number }
  /** Reads give what they first gave. */
  | { kind: "stale" }
  /** Done, and the answer is lost. */
  | { kind: "drop-answer" }
  /** 403 with retry-after, as of a secondary rate limit. */
  | { kind: "limit"; seconds: number }
  | { kind: "error"; status: number }
);

const paths = {
  all: /^\/(repos|app|installation)\b/,
  comments: /^\/repos\/.*\/comments\b/,
  pulls: /^\/repos\/.*\/pulls\b/,
  tokens: /\/access_tokens$/,
};
/** A page of deliveries that never changes would have no end. */
const stalePaths = { ...paths, all: /^\/repos\// };

/** Answers what ends it. */
export function setForgeFault(stack: Stack, fault: ForgeFault): () => void {
  return stack.forge.setFault(toFault(fault));
}

function toFault(fault: ForgeFault): Fault {
  const path = paths[fault.area];
  switch (fault.kind) {
    case "delay":
      return { kind: "delay", ms: fault.ms, path };
    case "stale":
      return { kind: "stale", method: "GET", path: stalePaths[fault.area] };
    case "drop-answer":
      return { kind: "drop-answer", path };
    case "limit":
      return {
        kind: "answer",
        status: 403,
        headers: { "retry-after": String(fault.seconds) },
        message: "You have exceeded a secondary rate limit.",
        path,
      };
    default:
      return { kind: "answer", status: fault.status, path };
  }
}
