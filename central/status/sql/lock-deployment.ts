import type { ClientBase } from "pg";

export type ReportedDeployment = {
  id: bigint;
  siteId: bigint;
  generation: bigint;
  state: string;
  kind: "preview" | "production";
  siteState: string;
  siteGeneration: bigint;
  host: string;
  sitesUrl: string;
  environmentId: bigint;
  /** An operator asked for its end. */
  cancelRequested: boolean;
};

/** A deployment that was given to this worker; its site is locked first, as everything that changes both does. */
export async function lockDeployment(
  client: ClientBase,
  o: { deploymentId: bigint; siteId: bigint; generation: bigint; workerId: string },
): Promise<ReportedDeployment | undefined> {
  await client.query("select from sites where id = $1 for update", [o.siteId]);
  const { rows } = await client.query<ReportedDeployment>(
    `select d.id, d.site_id as "siteId", d.generation, d.state, s.kind, s.state as "siteState", s.generation as "siteGeneration", s.host,
       e.sites_url as "sitesUrl", e.id as "environmentId", d.cancel_requested as "cancelRequested"
     from deployment_history d
     join sites s on s.id = d.site_id
     join deployment_config c on c.id = s.config_id
     join environments e on e.id = c.environment_id
     where d.id = $1 and d.site_id = $2 and d.generation = $3 and d.worker_id = $4`,
    [o.deploymentId, o.siteId, o.generation, o.workerId],
  );
  return rows[0];
}
