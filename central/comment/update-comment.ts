import { createHash } from "node:crypto";
import type { Pool } from "pg";
import { failpoint } from "#common/failpoint.ts";
import type { Logger } from "#common/logger.ts";
import { withTransaction } from "#central/database/with-transaction.ts";
import { siteUrl } from "#central/dispatch/site-url.ts";
import { createComment, deleteComment, findOwnComments, updateComment } from "#central/github/comments.ts";
import type { GitHub } from "#central/github/create-github.ts";
import { GitHubError } from "#central/github/github-error.ts";
import { addJob } from "#central/jobs/add-job.ts";
import { countRepair } from "#central/reconcile/count-repair.ts";
import { commentMarker, renderComment } from "./render-comment.ts";
import { deleteRemovedSite } from "./sql/delete-removed-site.ts";
import { forgetComment } from "./sql/forget-comment.ts";
import { recordRefusal } from "./sql/record-refusal.ts";
import { type CommentTarget, selectCommentState } from "./sql/select-comment-state.ts";
import { selectLogTail } from "./sql/select-log-tail.ts";
import { updateSiteComment } from "./sql/update-site-comment.ts";

type Context = { pool: Pool; github: GitHub; log: Logger };
type Written = { body: string; digest: string };

const tailLines = 40;
const maxDelayMs = 300_000;
/** How often a pull request is tried to be told of the end of a site whose row is only kept for that. */
const maxFarewells = 12;

/**
 * Brings a pull request's one comment to what the database says. Nothing waits for it: a failure is tried again for as long as it takes, and
 * what GitHub refuses is given up on record. Jobs of one site run one after the other.
 */
export async function updateSiteCommentAtGitHub(o: Context, siteId: bigint, attempt: number): Promise<void> {
  const target = await selectCommentState(o.pool, siteId);
  if (target === undefined) return;
  const log = o.log.child({ site: siteId.toString() });
  const leaving = target.deleting && target.siteState === "removed";
  const error = target.kind === "preview" ? await tryUpsert({ ...o, log }, target) : undefined;
  if (error !== undefined && !(leaving && attempt >= maxFarewells)) {
    const delayMs = error.retryAfterMs ?? Math.min(1000 * 2 ** Math.min(attempt, 20), maxDelayMs);
    await withTransaction(o.pool, async (client) => addJob(client, { task: "comment", siteId, attempt: attempt + 1, delayMs }));
    return;
  }
  if (error !== undefined) log.error({ attempt }, "the comment on a site that is gone was given up");
  if (leaving) await withTransaction(o.pool, async (client) => deleteRemovedSite(client, siteId));
}

/** The error, if the comment should be tried again. */
async function tryUpsert(o: Context, target: CommentTarget): Promise<GitHubError | undefined> {
  const written = await render(o, target);
  if (target.refusedDigest === written.digest) return undefined;
  try {
    await upsertComment(o, target, written);
    return undefined;
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    const refused = error.retryAfterMs === undefined && [403, 404, 410, 422].includes(error.status);
    o.log.warn({ err: error, refused }, "a comment could not be written");
    if (!refused) return error;
    // Locked, gone, or not ours to write: the same call would be refused again.
    await recordRefusal(o.pool, target.siteId, { reason: error.message, digest: written.digest });
    return undefined;
  }
}

async function render(o: Context, target: CommentTarget): Promise<Written> {
  const ended = target.newest?.state === "failed" || target.newest?.state === "succeeded";
  const logTail = ended && target.deploymentId !== null ? await selectLogTail(o.pool, target.deploymentId, tailLines) : [];
  const body = renderComment({ ...target, url: siteUrl(target.sitesUrl, target.host), logTail });
  return { body, digest: createHash("sha256").update(body).digest("hex") };
}

async function upsertComment(o: Context, target: CommentTarget, { body, digest }: Written): Promise<void> {
  const { commentId, siteId } = target;
  if (commentId !== null) {
    if (target.commentDigest === digest) return;
    if (await edit(o, target, commentId, body)) {
      await updateSiteComment(o.pool, siteId, { id: commentId, digest }, commentId);
      return;
    }
    o.log.warn({ comment: commentId.toString() }, "a comment is gone at GitHub and is made again");
    await forgetComment(o.pool, siteId);
    await countRepair(o.pool, "comment_changed");
  }
  const own = await findOne(o, target);
  if (own !== undefined && (await edit(o, target, own, body))) {
    await updateSiteComment(o.pool, siteId, { id: own, digest }, null);
    return;
  }
  const id = await createComment(o.github, target, target.pullRequest ?? 0n, body);
  await failpoint("comment.after-post");
  if (!(await updateSiteComment(o.pool, siteId, { id, digest }, null))) await deleteDouble(o, target, id);
}

/** GitHub may have made a comment whose answer was lost, or two of them for two replicas: the oldest stays. */
async function findOne(o: Context, target: CommentTarget): Promise<bigint | undefined> {
  const [oldest, ...more] = await findOwnComments(o.github, target, target.pullRequest ?? 0n, commentMarker(target.siteId));
  for (const double of more) await deleteDouble(o, target, double);
  return oldest;
}

async function deleteDouble(o: Context, target: CommentTarget, commentId: bigint): Promise<void> {
  o.log.warn({ comment: commentId.toString() }, "a second comment of ours is deleted");
  await deleteComment(o.github, target, commentId);
  await countRepair(o.pool, "comment_doubled");
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
