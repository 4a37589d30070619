import type { CanaryState } from "./create-canary.ts";

/** The state for people; undefined: isolation is proven. Proofs' names say nothing of the machine. */
export function describeState(state: CanaryState): { reason: string; running: boolean } | undefined {
  if (state.kind === "proven") return undefined;
  if (state.kind === "running") return { reason: "it is being proven", running: true };
  return { reason: `not proven: ${state.proofs.join(", ")}`, running: false };
}
