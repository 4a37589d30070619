import { SandboxImageError } from "./create-holder.ts";
import type { HolderPool } from "./holder-pool.ts";
import { prepareSandbox, type PreparedSandbox } from "./prepare-sandbox.ts";
import { runPrepared } from "./run-prepared.ts";
import type { SandboxFailure, SandboxRequest, SandboxResult, SandboxRun, SandboxSetup } from "./sandbox-types.ts";

export type {
  Devshell,
  FailureReason,
  SandboxFailure,
  SandboxRequest,
  SandboxResult,
  SandboxRun,
  SandboxSetup,
  SandboxTimings,
} from "./sandbox-types.ts";

/** A sandbox that is being set up. `run` waits until it stands. */
export type StartedSandbox = {
  run(run: SandboxRun): Promise<SandboxResult>;
  /** Removes it without a run. */
  release(): Promise<void>;
};

/** Begins to set a sandbox up, to be called when the clone begins; every failure is told by `run`. Either `run` or `release` must follow. */
export function startSandbox(setup: SandboxSetup, pool?: HolderPool): StartedSandbox {
  const prepared = prepareSandbox(setup, pool);
  // `run` tells of it; without this line a failure before that would end the worker.
  prepared.catch(() => undefined);
  return {
    run: async (run) => runStarted(prepared, setup, run),
    release: async () => {
      const sandbox = await prepared.catch(() => undefined);
      await sandbox?.release();
    },
  };
}

/** Sets a sandbox up, on a network of the pool where there is one, and runs one command in it. A failure of any kind is a result, never an exception. */
export async function runInSandbox(request: SandboxRequest, pool?: HolderPool): Promise<SandboxResult> {
  return startSandbox(request, pool).run(request);
}

async function runStarted(prepared: Promise<PreparedSandbox>, setup: SandboxSetup, run: SandboxRun): Promise<SandboxResult> {
  let imageId = "";
  try {
    const sandbox = await prepared;
    imageId = sandbox.imageId;
    return await runPrepared(sandbox, run);
  } catch (error) {
    if (setup.signal.aborted)
      return { ok: false, imageId, failure: { stage: "build", reason: "canceled", message: "The build was canceled." } };
    return { ok: false, imageId, failure: describeFault(error) };
  }
}

function describeFault(error: unknown): SandboxFailure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof SandboxImageError) return { stage: "sandbox", reason: "image_missing", message };
  return {
    stage: "sandbox",
    reason: "sandbox_failed",
    message: `The isolated container could not be set up or used. ${message}`,
  };
}
