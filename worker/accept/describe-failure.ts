import { create } from "@bufbuild/protobuf";
import { errorCode, errorMessage } from "#common/error-details.ts";
import { FailureSchema, Stage, type Failure } from "#gen/catapult/v1/deployment_pb.js";
import type { PlanFailure } from "#common/site-plan/build-plan.ts";
import { CloneError } from "#worker/clone/clone-error.ts";
import { PublishError } from "#worker/publish/publish-error.ts";
import { HostTakenError, RouteError } from "#worker/route/make-live.ts";
import type { SandboxFailure } from "#worker/sandbox/sandbox-types.ts";

/** A deployment came to its end without a release, by a reason that is told to people. */
export class DeploymentFailure extends Error {
  override readonly name = "DeploymentFailure";
  readonly stage: Stage;
  readonly reason: string;

  constructor(stage: Stage, reason: string, message: string) {
    super(message);
    this.stage = stage;
    this.reason = reason;
  }
}

export function failPlan(failure: PlanFailure): DeploymentFailure {
  return new DeploymentFailure(Stage.DETECT, failure.reason, failure.message);
}

export function failSandbox(failure: SandboxFailure): DeploymentFailure {
  return new DeploymentFailure(failure.stage === "sandbox" ? Stage.SANDBOX : Stage.BUILD, failure.reason, failure.message);
}

/** Characters of a message; a longer one was cut. */
export const failureLimit = 4_000;

/** What Central is told of an error in `stage`. `own`: the fault is the worker's or its machine's, and belongs in the worker's log. */
export function describeFailure(error: unknown, stage: Stage): { failure: Failure; own: boolean } {
  if (error instanceof DeploymentFailure)
    return describe(error.stage, error.reason, error.message, error.stage === Stage.SANDBOX);
  // Reading the tree goes on while the sandbox takes it: what git says belongs to the clone.
  if (error instanceof CloneError) return describe(Stage.CLONE, error.reason, error.message, error.reason === "worker_disk_full");
  if (error instanceof PublishError) return describe(Stage.PUBLISH, error.reason, error.message, false);
  if (error instanceof HostTakenError) return describe(Stage.ROUTE, "host_taken", error.message, true);
  if (error instanceof RouteError) return describe(Stage.ROUTE, "route_failed", error.message, true);
  const code = errorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT")
    return describe(stage, "worker_disk_full", `the worker's disk is full: ${errorMessage(error)}`, true);
  return describe(stage, "worker_fault", `the worker failed: ${errorMessage(error)}`, true);
}

function describe(at: Stage, reason: string, message: string, own: boolean): { failure: Failure; own: boolean } {
  return { failure: create(FailureSchema, { stage: at, reason, message: message.toWellFormed().slice(0, failureLimit) }), own };
}
