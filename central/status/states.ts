import { DeploymentState, SiteType, Stage } from "#gen/catapult/v1/deployment_pb.js";

export type RunningState = "dispatched" | "cloning" | "building" | "publishing";
export type FinalState = "succeeded" | "failed" | "canceled" | "superseded";
export type ReportedState = RunningState | FinalState;

const reported: ReadonlyMap<DeploymentState, ReportedState> = new Map<DeploymentState, ReportedState>([
  [DeploymentState.DISPATCHED, "dispatched"],
  [DeploymentState.CLONING, "cloning"],
  [DeploymentState.BUILDING, "building"],
  [DeploymentState.PUBLISHING, "publishing"],
  [DeploymentState.SUCCEEDED, "succeeded"],
  [DeploymentState.FAILED, "failed"],
  [DeploymentState.CANCELED, "canceled"],
  [DeploymentState.SUPERSEDED, "superseded"],
]);

/** What a worker may report, as the database names it. */
export function reportedState(state: DeploymentState): ReportedState | undefined {
  return reported.get(state);
}

const order = ["held", "queued", "dispatched", "cloning", "building", "publishing"];

/** Whether a state is further than another one: reports may overtake each other, and a deployment never goes back. */
export function isForward(from: string, to: ReportedState): boolean {
  const before = order.indexOf(from);
  if (before === -1) return false;
  const after = order.indexOf(to);
  return after === -1 || after > before;
}

export function isRunning(state: string): boolean {
  return order.indexOf(state) >= 2;
}

/** `cloning` for Stage.CLONE's name in the proto is `clone`: the names of enums in lower case, as they stand in the tables. */
export function stageName(stage: Stage): string {
  return (Stage[stage] ?? "unspecified").toLowerCase();
}

export function siteTypeName(type: SiteType): string | null {
  return type === SiteType.UNSPECIFIED || type === SiteType.AUTO ? null : (SiteType[type] ?? "").toLowerCase() || null;
}
