import type { ForgeContext } from "../context.ts";
import { compareRefs, isAncestor, readRefs, zeroSha, type RefUpdate } from "../git/read-refs.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Author, PullRequest, Repository } from "../state/records.ts";
import { sendPullRequestEvent } from "../webhooks/send-pull-request-event.ts";
import { sendPushEvent } from "../webhooks/send-push-event.ts";
import { countChanges, fetchPullRequestHead } from "./fetch-pull-request-head.ts";

/** Runs what may move refs, alone in its repository, then does what follows from every ref that moved. */
export async function withRefUpdates<T>(
  context: ForgeContext,
  repository: Repository,
  by: Author,
  work: () => Promise<T>,
): Promise<T> {
  const folder = repositoryFolder(context.directory, repository.id);
  return await context.locks(repository.id, async () => {
    const before = await readRefs(folder);
    const result = await work();
    await applyRefUpdates(context, repository, compareRefs(before, await readRefs(folder)), by);
    return result;
  });
}

async function applyRefUpdates(context: ForgeContext, repository: Repository, updates: RefUpdate[], by: Author): Promise<void> {
  if (updates.length === 0) return;
  const now = timestamp(context.clock());
  const pushed = { ...(context.store.repositories.get(repository.id) ?? repository), pushedAt: now, updatedAt: now };
  context.store.repositories.put(pushed);
  for (const update of updates) {
    await sendPushEvent(context, pushed, update, by);
    if (!update.ref.startsWith("refs/heads/")) continue;
    const branch = update.ref.slice("refs/heads/".length);
    for (const pull of context.store.pullRequests.filter((each) => each.state === "open")) {
      if (pull.head.repositoryId === repository.id && pull.head.ref === branch) await moveHead(context, pull, update, by);
      else if (pull.repositoryId === repository.id && pull.base.ref === branch) await moveBase(context, pull, update, by);
    }
  }
}

async function moveHead(context: ForgeContext, pull: PullRequest, update: RefUpdate, by: Author): Promise<void> {
  if (update.after === zeroSha) {
    closeForRefs(context, pull, null, by);
    return;
  }
  const moved = { ...pull, head: { ...pull.head, sha: update.after }, updatedAt: timestamp(context.clock()) };
  await fetchPullRequestHead(context, moved);
  const counts = await countChanges(repositoryFolder(context.directory, pull.repositoryId), pull.base.sha, update.after);
  const stored = context.store.pullRequests.put({
    ...moved,
    counts: counts ?? { commits: 0, additions: 0, deletions: 0, changedFiles: 0 },
  });
  sendPullRequestEvent(context, stored, { action: "synchronize", before: update.before, after: update.after }, by);
}

async function moveBase(context: ForgeContext, pull: PullRequest, update: RefUpdate, by: Author): Promise<void> {
  if (update.after === zeroSha) closeForRefs(context, pull, null, by);
  else if (await isAncestor(repositoryFolder(context.directory, pull.repositoryId), pull.head.sha, update.after))
    closeForRefs(context, { ...pull, base: { ...pull.base, sha: update.before } }, update.after, by);
  else context.store.pullRequests.put({ ...pull, base: { ...pull.base, sha: update.after } });
}

/** Closes a pull request whose branch is gone (`mergeSha` null), or whose commits have all reached its base. */
function closeForRefs(context: ForgeContext, pull: PullRequest, mergeSha: string | null, by: Author): void {
  const now = timestamp(context.clock());
  const merged = mergeSha === null ? {} : { mergedAt: now, mergedBy: by, mergeCommitSha: mergeSha };
  const closed = context.store.pullRequests.put({ ...pull, ...merged, state: "closed", closedAt: now, updatedAt: now });
  sendPullRequestEvent(context, closed, { action: "closed" }, by);
}
