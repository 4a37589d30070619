import type { ClientBase } from "pg";
import { invalidField } from "#common/rpc/invalid-field.ts";
import type { ReportStatusRequest } from "#gen/catapult/v1/central_service_pb.js";
import { insertLogLines, maxLogLines } from "./sql/insert-log-lines.ts";
import { selectLastLogLine } from "./sql/select-last-log-line.ts";
import { stripControls } from "./strip-controls.ts";

/**
 * Stores a report's log lines and answers the highest that need not be sent again. Lines over the cap are acknowledged and dropped, and so are all
 * once the deployment is over, superseded while its worker still built: those who watched it were told that they have its whole log.
 */
export async function storeLog(client: ClientBase, report: ReportStatusRequest, o: { isOver: boolean }): Promise<bigint> {
  const lines = report.logLines;
  if (lines.length === 0) return selectLastLogLine(client, report.deploymentId);
  if (report.firstLogLine < 1n) {
    throw invalidField("first_log_line", "log_lines need a number from 1");
  }
  const last = report.firstLogLine + BigInt(lines.length) - 1n;
  if (!o.isOver && report.firstLogLine <= maxLogLines) {
    await insertLogLines(client, report.deploymentId, report.firstLogLine, lines.map(stripControls));
  }
  const stored = await selectLastLogLine(client, report.deploymentId);
  return stored > last ? stored : last;
}
