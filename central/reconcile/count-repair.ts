import type { ClientBase, Pool } from "pg";

/** What was found different from what it should be, and put right. */
export const repairKinds = [
  // a delivery that never arrived was asked for again
  "delivery_missed",
  // the commit of a branch or an open pull request had no deployment
  "commit_missed",
  // a closed pull request still had its preview
  "preview_left",
  // a comment was gone or changed at GitHub, and was written again
  "comment_changed",
  // a second comment of ours on one pull request was deleted
  "comment_doubled",
] as const;

export type RepairKind = (typeof repairKinds)[number];

/** Adds one to a kind of repair; in a transaction, it counts only what was kept. */
export async function countRepair(client: Pool | ClientBase, kind: RepairKind): Promise<void> {
  await client.query(
    `insert into repairs (kind, count) values ($1, 1)
     on conflict (kind) do update set count = repairs.count + 1, last_at = now()`,
    [kind],
  );
}
