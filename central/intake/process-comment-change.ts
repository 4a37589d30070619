import type { Pool } from "pg";
import { distrustComment } from "#central/comment/sql/distrust-comment.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { countRepair } from "#central/reconcile/count-repair.ts";
import type { CommentHint } from "./read-comment.ts";
import { ClaimLostError } from "./settle.ts";
import type { ClaimedDelivery } from "./sql/claim-deliveries.ts";
import { type DeliveryEnd, finishDelivery } from "./sql/finish-delivery.ts";
import { selectCommentedSite } from "./sql/select-commented-site.ts";

/** Has our comment written again when somebody deleted or edited it, or when its pull request takes comments again. */
export async function processCommentChange(o: { pool: Pool }, delivery: ClaimedDelivery, hint: CommentHint): Promise<void> {
  await withTransaction(o.pool, async (client) => {
    const site = await selectCommentedSite(client, hint);
    const concerns = site !== undefined && (hint.change === "unlocked" ? site.refused : site.commentId === hint.commentId);
    if (concerns) {
      await distrustComment(client, site.id);
      await addJob(client, { task: "comment", siteId: site.id });
      // That it is gone is counted by whoever finds it so.
      if (hint.change === "edited") await countRepair(client, "comment_changed");
    }
    const end: DeliveryEnd = concerns
      ? { state: "processed", reason: "the comment is written again" }
      : { state: "ignored", reason: "it is no comment that the tables know" };
    if (!(await finishDelivery(client, delivery, end))) throw new ClaimLostError(delivery.guid);
  });
}
