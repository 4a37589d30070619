import type { ForgeContext } from "../context.ts";
import { isAncestor } from "../git/read-refs.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { validationFailed } from "../http/errors.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Author, PullRequest } from "../state/records.ts";
import { sendPullRequestEvent, type PullRequestChange } from "../webhooks/send-pull-request-event.ts";
import { branchHead, countChanges, fetchPullRequestHead } from "./fetch-pull-request-head.ts";

export type PullRequestUpdate = {
  title?: string | undefined;
  body?: string | null | undefined;
  state?: "open" | "closed" | undefined;
  base?: string | undefined;
};
type Edit = Extract<PullRequestChange, { action: "edited" }>["changes"];

export async function updatePullRequest(
  context: ForgeContext,
  pullId: number,
  update: PullRequestUpdate,
  by: Author,
): Promise<PullRequest> {
  const repositoryId = context.store.pullRequests.get(pullId)?.repositoryId ?? 0;
  return await context.locks(repositoryId, async () => {
    let pull = read(context, pullId);
    const changes: Edit = {};
    const now = timestamp(context.clock());
    if (update.title !== undefined && update.title !== pull.title) {
      if (update.title.trim() === "") throw validationFailed({ resource: "PullRequest", code: "missing_field", field: "title" });
      changes.title = { from: pull.title };
      pull = { ...pull, title: update.title };
    }
    if (update.body !== undefined && update.body !== pull.body) {
      changes.body = { from: pull.body ?? "" };
      pull = { ...pull, body: update.body };
    }
    if (update.base !== undefined && update.base !== pull.base.ref) {
      changes.base = { ref: { from: pull.base.ref }, sha: { from: pull.base.sha } };
      pull = await retarget(context, pull, update.base);
    }
    if (Object.keys(changes).length > 0) {
      pull = context.store.pullRequests.put({ ...pull, updatedAt: now });
      sendPullRequestEvent(context, pull, { action: "edited", changes }, by);
    }
    if (update.state === undefined || update.state === pull.state) return pull;
    if (update.state === "closed") pull = { ...pull, state: "closed", closedAt: now, updatedAt: now };
    else pull = await reopen(context, { ...pull, state: "open", closedAt: null, updatedAt: now });
    context.store.pullRequests.put(pull);
    sendPullRequestEvent(context, pull, { action: update.state === "closed" ? "closed" : "reopened" }, by);
    return pull;
  });
}

function read(context: ForgeContext, pullId: number): PullRequest {
  const pull = context.store.pullRequests.get(pullId);
  if (pull === undefined) throw new Error(`There is no pull request of the id ${pullId}.`);
  return pull;
}

async function retarget(context: ForgeContext, pull: PullRequest, base: string): Promise<PullRequest> {
  const sha = await branchHead(context, pull.repositoryId, base);
  if (sha === undefined || pull.state === "closed")
    throw validationFailed({ resource: "PullRequest", field: "base", code: "invalid" });
  const counts = await countChanges(repositoryFolder(context.directory, pull.repositoryId), sha, pull.head.sha);
  if (counts === undefined)
    throw validationFailed({
      resource: "PullRequest",
      code: "custom",
      field: "base",
      message: `There are no new commits between base branch '${base}' and head branch '${pull.head.ref}'`,
    });
  return { ...pull, base: { ref: base, sha }, counts };
}

async function reopen(context: ForgeContext, pull: PullRequest): Promise<PullRequest> {
  if (pull.mergedAt !== null) throw refuse("The pull request cannot be reopened.");
  if (context.store.repositories.get(pull.head.repositoryId) === undefined)
    throw refuse("The repository that submitted this pull request has been deleted.");
  const sha = await branchHead(context, pull.head.repositoryId, pull.head.ref);
  if (sha === undefined) throw refuse(`The ${pull.head.ref} branch has been deleted.`);
  const baseSha = await branchHead(context, pull.repositoryId, pull.base.ref);
  if (baseSha === undefined) throw refuse(`The ${pull.base.ref} branch has been deleted.`);
  // What was pushed while it was closed is taken along, but only on top of what it showed.
  if (!(await isAncestor(repositoryFolder(context.directory, pull.head.repositoryId), pull.head.sha, sha)))
    throw refuse(`The ${pull.head.ref} branch was force-pushed or recreated.`);
  const moved = { ...pull, head: { ...pull.head, sha }, base: { ...pull.base, sha: baseSha } };
  await fetchPullRequestHead(context, moved);
  const counts = await countChanges(repositoryFolder(context.directory, pull.repositoryId), baseSha, sha);
  if (counts === undefined) throw refuse(`There are no new commits on the ${pull.head.ref} branch.`);
  return { ...moved, counts };
}

const refuse = (reason: string) =>
  validationFailed({ resource: "PullRequest", code: "custom", field: "state", message: `state cannot be changed. ${reason}` });
