import type { ClientBase } from "pg";

/** A site of this config at a host that its config had before, and gave up: the one to come back to. */
export async function deleteRemovedAt(client: ClientBase, configId: bigint, host: string): Promise<void> {
  await client.query(`delete from sites where config_id = $1 and host = $2 and leaving and state = 'removed'`, [configId, host]);
}

/** The site at this host gave way and is served still, or on its way out. */
export async function selectLeavingAt(
  client: ClientBase,
  configId: bigint,
  host: string,
): Promise<{ id: bigint; state: "wanted" | "removing" } | undefined> {
  const { rows } = await client.query<{ id: bigint; state: "wanted" | "removing" }>(
    `select id, state from sites where config_id = $1 and host = $2 and leaving and state <> 'removed' for update`,
    [configId, host],
  );
  return rows[0];
}

/** The site that gave way is the one to have again. */
export async function unmarkLeaving(client: ClientBase, siteId: bigint, leavingId: bigint): Promise<void> {
  await client.query(
    `update sites s set leaving = false, updated_at = now(), pinned_from = l.pinned_from, comment_id = l.comment_id, comment_digest = null
     from sites l where s.id = $1 and l.id = $2`,
    [siteId, leavingId],
  );
  await inherit(client, siteId, leavingId);
}

/** A site gives way: it is served until the one at the new host is live, and no event of GitHub is for it any more. */
export async function markLeaving(client: ClientBase, siteId: bigint): Promise<void> {
  await client.query(`update sites set leaving = true, updated_at = now() where id = $1`, [siteId]);
}

/**
 * Makes the site at the new host, in the place of the one that leaves: with its pin, its approvals and its pull request's comment, and with nothing
 * live. Its generations begin anew, as its files do. undefined: the host is another site's.
 */
export async function insertReplacement(
  client: ClientBase,
  leavingId: bigint,
  o: { host: string; state: "wanted" | "removed" },
): Promise<bigint | undefined> {
  const { rows } = await client.query<{ id: bigint }>(
    `insert into sites (config_id, repository_id, kind, pull_request, host, state, pinned_from, comment_id, comment_digest)
     select config_id, repository_id, kind, pull_request, $2, $3, pinned_from, comment_id, null from sites where id = $1
     on conflict (host) do nothing returning id`,
    [leavingId, o.host, o.state],
  );
  const id = rows[0]?.id;
  if (id === undefined) return undefined;
  await inherit(client, id, leavingId);
  return id;
}

async function inherit(client: ClientBase, id: bigint, leavingId: bigint): Promise<void> {
  await client.query(`update sites set comment_id = null, comment_digest = null where id = $1`, [leavingId]);
  await client.query(
    `insert into approvals (site_id, commit_sha, approver_kind, approver, created_at)
     select $2, commit_sha, approver_kind, approver, created_at from approvals where site_id = $1
     on conflict do nothing`,
    [leavingId, id],
  );
}

export async function deleteSite(client: ClientBase, siteId: bigint): Promise<void> {
  await client.query(`delete from sites where id = $1 and state in ('removed', 'evicted')`, [siteId]);
}
