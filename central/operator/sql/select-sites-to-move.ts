import type { ClientBase } from "pg";

export type SiteToMove = {
  id: bigint;
  kind: "preview" | "production";
  pullRequest: bigint | null;
  host: string;
  state: "wanted" | "removing" | "removed" | "evicted";
};

/** A config's sites but those that give way already, locked. */
export async function selectSitesToMove(client: ClientBase, configId: bigint): Promise<SiteToMove[]> {
  const { rows } = await client.query<SiteToMove>(
    `select id, kind, pull_request as "pullRequest", host, state from sites where config_id = $1 and not leaving order by id for update`,
    [configId],
  );
  return rows;
}
