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
  // a site that should be live was not on its worker's disk, and was deployed again
  "site_missing",
  // a worker served another release than the one that should be live, and the site was deployed again
  "release_differs",
  // a site that nobody wants any more was still on a worker's disk, and was removed
  "site_left",
  // a worker has a site that the tables do not know, and keeps it: was an older database restored?
  "site_unknown",
  // a worker had seen a higher generation than the tables had, as after a restore, and the site's was raised above it
  "generation_behind",
  // work was to be done that had no job any more
  "work_stalled",
  // a worker removed a preview to make room on its disk
  "preview_evicted",
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
