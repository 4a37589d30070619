import type { ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import type { DeploymentResult } from "./sql/finish-deployment.ts";
import { type FinalState, siteTypeName, stageName } from "./states.ts";
import { stripControls } from "./strip-controls.ts";

/** What a report says of a deployment that ended, as the tables hold it. */
export function readResult(state: FinalState, report: ReportStatusRequest): DeploymentResult {
  const timings = report.stageTimings.map((timing) => [stageName(timing.stage), Number(timing.durationMs)] as const);
  return {
    state,
    failure:
      report.failure === undefined
        ? undefined
        : {
            stage: stageName(report.failure.stage),
            reason: report.failure.reason,
            message: report.failure.message.split("\n").map(stripControls).join("\n"),
          },
    stageTimings: Object.fromEntries(timings),
    release: report.release || null,
    releaseFiles: report.release === "" ? null : report.releaseFiles,
    releaseBytes: report.release === "" ? null : report.releaseBytes,
    imageId: report.imageId || null,
    siteType: siteTypeName(report.siteType),
  };
}
