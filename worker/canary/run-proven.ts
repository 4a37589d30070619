import type { SandboxRequest, SandboxResult } from "#worker/sandbox/sandbox-types.ts";
import { awaitProof } from "./await-proof.ts";
import type { Canary } from "./create-canary.ts";
import { describeState } from "./describe-state.ts";

/**
 * Runs a build on the image that was proven last, by its id, and on no other: the tag may name one that nobody has proven yet. Where nothing is
 * proven, nothing runs. A proven image that is gone is found out by the first build: what there is now is proven, and the build tried once more.
 */
export async function runProven(
  canary: Pick<Canary, "state" | "suspect">,
  run: (request: SandboxRequest) => Promise<SandboxResult>,
  build: SandboxRequest,
): Promise<SandboxResult> {
  for (let trial = 0; ; trial += 1) {
    const state = await awaitProof(canary, build.signal);
    if (state.kind !== "proven") {
      if (build.signal.aborted) return refuse("build", "canceled", "The build was canceled.");
      const reason = describeState(state)?.reason ?? "";
      return refuse(
        "sandbox",
        "isolation_not_proven",
        `The build was not started: the isolation of builds on this worker is not proven any more (${reason}).`,
      );
    }
    const result = await run({ ...build, imageReference: state.imageId });
    if (result.ok || result.failure.reason !== "image_missing" || trial > 0) return result;
    canary.suspect("the builder image that was proven is gone");
  }
}

function refuse(stage: "sandbox" | "build", reason: "canceled" | "isolation_not_proven", message: string): SandboxResult {
  return { ok: false, imageId: "", failure: { stage, reason, message } };
}
