import { findRepository } from "../auth/access.ts";
import type { ForgeContext } from "../context.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { validationFailed } from "../http/errors.ts";
import { ownerOf } from "../render/repository.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Author, PullRequest, Repository } from "../state/records.ts";
import { sendPullRequestEvent } from "../webhooks/send-pull-request-event.ts";
import { branchHead, countChanges, fetchPullRequestHead } from "./fetch-pull-request-head.ts";

export type NewPullRequest = { title: string; body: string | null; head: string; base: string; draft: boolean };

const titleLimit = 256;

/** The repository that `branch` or `owner:branch` lies in: the base's own, or a fork of it. */
export function findHeadRepository(
  context: ForgeContext,
  base: Repository,
  head: string,
): { repository: Repository; ref: string } | undefined {
  const colon = head.indexOf(":");
  if (colon < 0) return { repository: base, ref: head };
  const [owner, ref] = [head.slice(0, colon), head.slice(colon + 1)];
  if (owner.toLowerCase() === ownerOf(context, base).login.toLowerCase()) return { repository: base, ref };
  const fork = context.store.repositories.find(
    (each) => each.parentId === base.id && ownerOf(context, each).login.toLowerCase() === owner.toLowerCase(),
  );
  return fork === undefined ? undefined : { repository: fork, ref };
}

export async function openPullRequest(
  context: ForgeContext,
  base: Repository,
  wanted: NewPullRequest,
  by: Author,
): Promise<PullRequest> {
  if (wanted.title.trim() === "") throw validationFailed({ resource: "PullRequest", code: "missing_field", field: "title" });
  if (wanted.title.length > titleLimit)
    throw validationFailed({
      resource: "PullRequest",
      code: "custom",
      field: "title",
      message: `title is too long (maximum is ${titleLimit} characters)`,
    });
  const source = findHeadRepository(context, base, wanted.head);
  const headSha = source && (await branchHead(context, source.repository.id, source.ref));
  if (source === undefined || headSha === undefined)
    throw validationFailed({ resource: "PullRequest", field: "head", code: "invalid" });
  const baseSha = await branchHead(context, base.id, wanted.base);
  if (baseSha === undefined) throw validationFailed({ resource: "PullRequest", field: "base", code: "invalid" });
  return await context.locks(base.id, async () => {
    const label = `${ownerOf(context, source.repository).login}:${source.ref}`;
    const twin = (each: PullRequest) =>
      each.state === "open" &&
      each.repositoryId === base.id &&
      each.head.repositoryId === source.repository.id &&
      each.head.ref === source.ref &&
      each.base.ref === wanted.base;
    if (context.store.pullRequests.find(twin) !== undefined)
      throw validationFailed({ resource: "PullRequest", code: "custom", message: `A pull request already exists for ${label}.` });
    const current = findRepository(context, ownerOf(context, base).login, base.name) ?? base;
    const number = current.nextNumber;
    const head = { repositoryId: source.repository.id, ref: source.ref, sha: headSha };
    await fetchPullRequestHead(context, { repositoryId: base.id, number, head });
    const counts = await countChanges(repositoryFolder(context.directory, base.id), baseSha, headSha);
    if (counts === undefined)
      throw validationFailed({
        resource: "PullRequest",
        code: "custom",
        message: `No commits between ${wanted.base} and ${wanted.head}`,
      });
    context.store.repositories.put({ ...current, nextNumber: number + 1 });
    const now = timestamp(context.clock());
    const pull = context.store.pullRequests.put({
      id: context.store.nextId(),
      number,
      repositoryId: base.id,
      title: wanted.title,
      body: wanted.body,
      state: "open",
      draft: wanted.draft,
      locked: false,
      author: by,
      head,
      base: { ref: wanted.base, sha: baseSha },
      createdAt: now,
      updatedAt: now,
      closedAt: null,
      mergedAt: null,
      mergedBy: null,
      mergeCommitSha: null,
      counts,
    });
    sendPullRequestEvent(context, pull, { action: "opened" }, by);
    return pull;
  });
}
