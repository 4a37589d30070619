import { toBinary } from "@bufbuild/protobuf";
import type { Pool } from "pg";
import { deploymentMessage } from "#central/operator/site-messages.ts";
import { selectDeploymentRow } from "#central/operator/sql/select-deployments.ts";
import { type Deployment, DeploymentSchema } from "#gen/catapult/v1/operator_service_pb.js";

export type Snapshot = {
  deployment: Deployment;
  /** Differs when anything but the log does. */
  digest: string;
  lastLine: bigint;
  ended: boolean;
};

/** A deployment with the number of its last line; undefined: there is none. */
export async function readSnapshot(pool: Pool, id: bigint): Promise<Snapshot | undefined> {
  const row = await selectDeploymentRow(pool, id);
  if (row === undefined) return undefined;
  const deployment = deploymentMessage(row);
  const digest = Buffer.from(toBinary(DeploymentSchema, { ...deployment, logLines: 0n })).toString("base64");
  return { deployment, digest, lastLine: row.log_lines, ended: row.finished_at !== null };
}
