import { createHash } from "node:crypto";
import type { Pool } from "pg";
import type { Logger } from "#common/logger.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { siteUrl } from "#central/dispatch/site-url.ts";
import { createComment, findOwnComment, updateComment } from "#central/github/comments.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { commentMarker, renderComment } from "./render-comment.ts";
import { deleteRemovedSite } from "./sql/delete-removed-site.ts";
import { type CommentTarget, selectCommentState } from "./sql/select-comment-state.ts";
import { selectLogTail } from "./sql/select-log-tail.ts";
import { updateSiteComment } from "./sql/update-site-comment.ts";

type Context = { pool: Pool; github: GitHub; log: Logger };

const tailLines = 40;
const maxAttempts = 12;

/**
 * Brings a pull request's one comment to what the database says. Nothing waits for it: a failure is tried again later and given up on record.
 * Jobs of one site run one after the other, so two never create at once.
 */
export async function updateSiteCommentAtGitHub(o: Context, siteId: bigint, attempt: number): Promise<void> {
  const target = await selectCommentState(o.pool, siteId);
  if (target === undefined) return;
  const log = o.log.child({ site: siteId.toString() });
  const outcome = target.kind === "preview" ? await tryUpsert({ ...o, log }, target) : "done";
  if (typeof outcome === "object" && attempt < maxAttempts) {
    const delayMs = outcome.retryAfterMs ?? Math.min(1000 * 2 ** attempt, 600_000);
    await withTransaction(o.pool, async (client) => addJob(client, { task: "comment", siteId, attempt: attempt + 1, delayMs }));
    return;
  }
  if (typeof outcome === "object") log.error({ attempt }, "the comment was given up; the next change tries again");
  if (target.deleting && target.siteState === "removed") {
    await withTransaction(o.pool, async (client) => deleteRemovedSite(client, siteId));
  }
}

/** The error, if the comment should be tried again. */
async function tryUpsert(o: Context, target: CommentTarget): Promise<"done" | GitHubError> {
  try {
    await upsertComment(o, target);
    return "done";
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    o.log.warn({ err: error }, "a comment could not be written");
    const refused = error.retryAfterMs === undefined && [403, 404, 410, 422].includes(error.status);
    // Locked, gone, or not ours to write: the same call would be refused again.
    return refused ? "done" : error;
  }
}

async function upsertComment(o: Context, target: CommentTarget): Promise<void> {
  const pullRequest = target.pullRequest ?? 0n;
  const failed = target.newest?.state === "failed" && target.deploymentId !== null;
  const logTail = failed && target.deploymentId !== null ? await selectLogTail(o.pool, target.deploymentId, tailLines) : [];
  const body = renderComment({ ...target, url: siteUrl(target.sitesUrl, target.host), logTail });
  const digest = createHash("sha256").update(body).digest("hex");
  if (target.commentId !== null) {
    if (target.commentDigest === digest) return;
    if (await edit(o, target, target.commentId, body)) {
      await updateSiteComment(o.pool, target.siteId, { id: target.commentId, digest });
      return;
    }
    await updateSiteComment(o.pool, target.siteId, undefined);
  }
  // GitHub may have made a comment whose answer was lost.
  const own = await findOwnComment(o.github, target, pullRequest, commentMarker(target.siteId));
  if (own !== undefined && (await edit(o, target, own, body))) {
    await updateSiteComment(o.pool, target.siteId, { id: own, digest });
    return;
  }
  const id = await createComment(o.github, target, pullRequest, body);
  await updateSiteComment(o.pool, target.siteId, { id, digest });
}

/** false: somebody deleted the comment. */
async function edit(o: Context, target: CommentTarget, commentId: bigint, body: string): Promise<boolean> {
  try {
    await updateComment(o.github, target, commentId, body);
    return true;
  } catch (error) {
    if (error instanceof GitHubError && error.missing) return false;
    throw error;
  }
}
