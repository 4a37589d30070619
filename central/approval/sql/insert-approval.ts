import type { ClientBase } from "pg";
import type { Approver } from "../approver.ts";

/** Records who let a commit be built at a site. The first one stays: an approval that is repeated is the same. */
export async function insertApproval(client: ClientBase, siteId: bigint, commit: string, approver: Approver): Promise<void> {
  await client.query(
    `insert into approvals (site_id, commit_sha, approver_kind, approver) values ($1, $2, $3, $4) on conflict do nothing`,
    [siteId, commit, approver.kind, approver.name],
  );
}
