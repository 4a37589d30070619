import { createHash } from "node:crypto";
import type { ClientBase, Pool } from "pg";
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
import { beginCommentWrite } from "./sql/begin-comment-write.ts";
import { deleteRemovedSite } from "./sql/delete-removed-site.ts";
import { forgetComment } from "./sql/forget-comment.ts";
import { isTriedAgain } from "./sql/is-tried-again.ts";
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

/** When what GitHub refused is tried again: a refusal may pass, and nothing tells of that but a conversation's unlocking. */
const refusedPausesMs = [60_000, 600_000, 3_600_000];
const longestRefusedPauseMs = 86_400_000;
/** How long GitHub may take to do what it did not answer, and its list of comments to show it. */
const lateAfterMs = 30_000;

/**
 * Brings a pull request's one comment to what the database says. Nothing waits for it: a failure is tried again for as long as it takes, and
 * what GitHub refuses is put on record and tried again after growing pauses. Jobs of one site run one after the other. `again`: whatever is on
 * record, the comment is written, and any other of ours is deleted. `unended`: the job ran before, and what it did is not known.
 */
export async function updateSiteCommentAtGitHub(
  o: Context,
  siteId: bigint,
  run: { attempt: number; again: boolean; unended: boolean },
): Promise<void> {
  const target = await selectCommentState(o.pool, siteId);
  if (target === undefined) return;
  const log = o.log.child({ site: siteId.toString() });
  const { attempt, again } = run;
  const leaving = target.deleting && target.siteState === "removed";
  const error = target.kind === "preview" ? await tryUpsert({ ...o, log }, target, run) : undefined;
  if (error !== undefined && !(leaving && attempt >= maxFarewells)) {
    const delayMs = error.retryAfterMs ?? Math.min(1000 * 2 ** Math.min(attempt, 20), maxDelayMs);
    await withTransaction(o.pool, async (client) =>
      addJob(client, { task: "comment", siteId, again, attempt: attempt + 1, delayMs }),
    );
    return;
  }
  if (error !== undefined) log.error({ attempt }, "the comment on a site that is gone was given up");
  if (leaving) await withTransaction(o.pool, async (client) => deleteRemovedSite(client, siteId));
}

/** The error, if the comment should be tried again at once. */
async function tryUpsert(
  o: Context,
  target: CommentTarget,
  run: { attempt: number; again: boolean; unended: boolean },
): Promise<GitHubError | undefined> {
  const { siteId } = target;
  const written = await render(o, target);
  if (target.refusedDigest === written.digest && !run.again) {
    // Refused by an older release, or its next try was taken out of the queue.
    await withTransaction(o.pool, async (client) => {
      if (!(await isTriedAgain(client, siteId))) await tryAgainLater(client, siteId, 0);
    });
    return undefined;
  }
  if (run.unended && target.commentId === null) await writeAgainLater(o, siteId);
  try {
    if (run.again) await upsertAlone(o, target, written);
    else await upsertComment(o, target, written);
    return undefined;
  } catch (error) {
    if (!(error instanceof GitHubError)) throw error;
    const refused = error.retryAfterMs === undefined && [403, 404, 410, 422].includes(error.status);
    o.log.warn({ err: error, refused }, "a comment could not be written");
    if (!refused) return error;
    // Locked, gone, or not ours to write: the same call at once would be refused again, so it waits, longer each time.
    await withTransaction(o.pool, async (client) => {
      await recordRefusal(client, siteId, { reason: error.message, digest: written.digest });
      await tryAgainLater(client, siteId, run.again ? run.attempt : 0);
    });
    return undefined;
  }
}

async function tryAgainLater(client: ClientBase, siteId: bigint, times: number): Promise<void> {
  const delayMs = refusedPausesMs[times] ?? longestRefusedPauseMs;
  await addJob(client, { task: "comment", siteId, again: true, attempt: times + 1, delayMs });
}

/** What was not answered may still be done: a comment made beside the next one, or an older text put over a newer. */
async function writeAgainLater(o: Context, siteId: bigint): Promise<void> {
  await withTransaction(o.pool, async (client) => addJob(client, { task: "comment", siteId, again: true, delayMs: lateAfterMs }));
}

/** The comment on record is written first: only one that is still there makes any other a double. */
async function upsertAlone(o: Context, target: CommentTarget, written: Written): Promise<void> {
  await upsertComment(o, target, written, { anyway: true });
  const stored = (await selectCommentState(o.pool, target.siteId))?.commentId ?? null;
  if (stored === null) return;
  const own = await findOwnComments(o.github, target, target.pullRequest ?? 0n, commentMarker(target.siteId));
  for (const double of own) if (double !== stored) await deleteDouble(o, target, double);
}

async function render(o: Context, target: CommentTarget): Promise<Written> {
  const ended = target.newest?.state === "failed" || target.newest?.state === "succeeded";
  const logTail = ended && target.deploymentId !== null ? await selectLogTail(o.pool, target.deploymentId, tailLines) : [];
  const body = renderComment({ ...target, url: siteUrl(target.sitesUrl, target.host), logTail });
  return { body, digest: createHash("sha256").update(body).digest("hex") };
}

async function upsertComment(
  o: Context,
  target: CommentTarget,
  { body, digest }: Written,
  { anyway = false }: { anyway?: boolean } = {},
): Promise<void> {
  const { commentId, siteId } = target;
  if (commentId !== null) {
    if (target.commentDigest === digest && !anyway) return;
    // A change before this one has no end on record, be it a slow GitHub's or a frozen replica's: it may still come and put an older text over this.
    if (target.commentDigest === null) await writeAgainLater(o, siteId);
    else await beginCommentWrite(o.pool, siteId);
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
  const id = await makeComment(o, target, body);
  await failpoint("comment.after-post");
  if (!(await updateSiteComment(o.pool, siteId, { id, digest }, null))) await deleteDouble(o, target, id);
}

async function makeComment(o: Context, target: CommentTarget, body: string): Promise<bigint> {
  try {
    return await createComment(o.github, target, target.pullRequest ?? 0n, body);
  } catch (error) {
    if (error instanceof GitHubError && (error.status === 0 || error.status >= 500)) await writeAgainLater(o, target.siteId);
    throw error;
  }
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
