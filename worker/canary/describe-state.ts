import type { CanaryState } from "./create-canary.ts";

/** The state for people; undefined: isolation is proven. None of it says anything of the machine. */
export function describeState(state: CanaryState): { reason: string; running: boolean } | undefined {
  switch (state.kind) {
    case "proven":
      return undefined;
    case "running":
      return { reason: "it is being proven", running: true };
    case "expired":
      return { reason: "the proof expired: it could not be renewed in time", running: false };
    case "failed":
      return { reason: `not proven: ${state.proofs.join(", ")}`, running: false };
    default:
      return { reason: `not proven: engine (${state.reason})`, running: false };
  }
}
