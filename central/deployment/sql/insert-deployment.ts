import type { ClientBase } from "pg";
import { currentTraceparent } from "#common/telemetry/traced.ts";

export type NewDeployment = {
  siteId: bigint;
  generation: bigint;
  commit: string;
  branch: string;
  trust: "repository" | "fork";
  state: "held" | "queued";
  deliveryGuid: string | undefined;
  /** The token whose holder asked for it. */
  requestedBy?: string | undefined;
  /** An existing release of the site to make live again. */
  fromRelease?: string | undefined;
};

export async function insertDeployment(client: ClientBase, deployment: NewDeployment): Promise<bigint> {
  const { rows } = await client.query<{ id: bigint }>(
    `insert into deployment_history (site_id, generation, commit_sha, branch, trust, state, delivery_guid, requested_by, from_release, traceparent)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
    [
      deployment.siteId,
      deployment.generation,
      deployment.commit,
      deployment.branch,
      deployment.trust,
      deployment.state,
      deployment.deliveryGuid ?? null,
      deployment.requestedBy ?? null,
      deployment.fromRelease ?? null,
      currentTraceparent() ?? null,
    ],
  );
  return rows[0]?.id ?? 0n;
}
