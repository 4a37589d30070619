import type { ClientBase } from "pg";

export type Restorable = { kind: "preview" | "production"; commit: string; branch: string; trust: "repository" | "fork" };

/**
 * What a wanted site should serve: the deployment of its generation if that was for the worker, was lost with it, or went live, else the one that
 * is live. Never one that is held or was canceled, and nothing under a config that is disabled or being deleted.
 */
export async function selectRestorable(client: ClientBase, siteId: bigint): Promise<Restorable | undefined> {
  // A deployment that is superseded at its site's own generation was refused by the worker; a held one is superseded by a higher generation alone.
  const { rows } = await client.query<Restorable>(
    `select s.kind, d.commit_sha as commit, d.branch, d.trust
     from sites s
     join deployment_config c on c.id = s.config_id
     join deployment_history d on d.site_id = s.id
     where s.id = $1 and s.state = 'wanted' and c.enabled and not c.deleting and (d.id = s.live_deployment or (
       d.generation = s.generation
       and (d.state in ('queued', 'dispatched', 'cloning', 'building', 'publishing', 'succeeded', 'superseded')
        or (d.state = 'lost' and not d.cancel_requested))))
     order by d.generation desc limit 1`,
    [siteId],
  );
  return rows[0];
}
