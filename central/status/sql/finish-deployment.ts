import type { ClientBase } from "pg";
import type { FinalState } from "../states.ts";

export type DeploymentResult = {
  state: FinalState;
  failure: { stage: string; reason: string; message: string } | undefined;
  stageTimings: Record<string, number>;
  release: string | null;
  releaseFiles: bigint | null;
  releaseBytes: bigint | null;
  imageId: string | null;
  siteType: string | null;
};

/**
 * Ends a deployment with its worker's result. One that something newer took the place of keeps that state, and its result beside it: its release
 * may have gone live before the worker heard of the newer one.
 */
export async function finishDeployment(client: ClientBase, deploymentId: bigint, result: DeploymentResult): Promise<boolean> {
  const { rowCount } = await client.query(
    `update deployment_history
     set state = case when state = 'superseded' then state else $2 end, lease_expires_at = null, waiting = null,
       finished_at = coalesce(finished_at, now()), dispatched_at = coalesce(dispatched_at, now()),
       failure_stage = case when state = 'superseded' then null else $3 end,
       failure_reason = case when state = 'superseded' then null else $4 end,
       failure_message = case when state = 'superseded' then null else $5 end,
       stage_timings = $6, release = $7, release_files = $8, release_bytes = $9, image_id = $10, site_type = $11
     where id = $1 and (state in ('queued', 'dispatched', 'cloning', 'building', 'publishing')
       or (state = 'superseded' and release is null and $7::text is not null))`,
    [
      deploymentId,
      result.state,
      result.failure?.stage ?? null,
      result.failure?.reason ?? null,
      result.failure?.message ?? null,
      JSON.stringify(result.stageTimings),
      result.release,
      result.releaseFiles,
      result.releaseBytes,
      result.imageId,
      result.siteType,
    ],
  );
  return rowCount === 1;
}
