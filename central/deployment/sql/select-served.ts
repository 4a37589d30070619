import type { ClientBase } from "pg";

export type Served = {
  kind: "preview" | "production";
  state: string;
  generation: bigint;
  /** The generation of what is live; null: nothing is. */
  liveGeneration: bigint | null;
  /** A deployment of the site's generation is held, waits or runs. */
  isPending: boolean;
};

export async function selectServed(client: ClientBase, siteId: bigint): Promise<Served | undefined> {
  const { rows } = await client.query<Served>(
    `select s.kind, s.state, s.generation, live.generation as "liveGeneration",
       exists (select from deployment_history d where d.site_id = s.id and d.generation = s.generation
         and d.state in ('held', 'queued', 'dispatched', 'cloning', 'building', 'publishing')) as "isPending"
     from sites s left join deployment_history live on live.id = s.live_deployment where s.id = $1`,
    [siteId],
  );
  return rows[0];
}
