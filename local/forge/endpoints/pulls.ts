import { openPullRequest } from "../actions/open-pull-request.ts";
import { mergePullRequest } from "../actions/merge-pull-request.ts";
import { updatePullRequest } from "../actions/update-pull-request.ts";
import { accountLevel, repositoryOf } from "../auth/access.ts";
import { authorOf } from "../auth/actor.ts";
import { HttpError, mustHaveRights, notFound, requiresAuthentication } from "../http/errors.ts";
import { paginate } from "../http/paging.ts";
import { created, ok } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderPullRequest, renderPullRequestSimple } from "../render/pull-request.ts";
import { ownerOf } from "../render/repository.ts";
import type { PullRequest, Repository } from "../state/records.ts";
import { readCommits } from "../git/read-commits.ts";
import { repositoryFolder } from "../git/repository-folder.ts";
import { renderCommit } from "../render/commit.ts";

const read = { permission: "pull_requests", level: "read" } as const;

export function findPullRequest(call: Call, repository: Repository): PullRequest {
  const number = Number(call.parameters["number"]);
  const pull = call.context.store.pullRequests.find((each) => each.repositoryId === repository.id && each.number === number);
  if (pull === undefined) throw notFound();
  return pull;
}

function list(call: Call) {
  const repository = repositoryOf(call, read);
  const [state, head, base] = [call.query.get("state") ?? "open", call.query.get("head"), call.query.get("base")];
  const headLabel = (pull: PullRequest) => {
    const source = call.context.store.repositories.get(pull.head.repositoryId);
    return source && `${ownerOf(call.context, source).login}:${pull.head.ref}`;
  };
  const pulls = call.context.store.pullRequests
    .filter((each) => each.repositoryId === repository.id)
    .filter((each) => state === "all" || each.state === state)
    // GitHub ignores a head without an owner.
    .filter((each) => head === null || !head.includes(":") || headLabel(each) === head)
    .filter((each) => base === null || each.base.ref === base)
    .toSorted((one, other) => other.number - one.number);
  if (call.query.get("direction") === "asc") pulls.reverse();
  return paginate(call, pulls, (each) => renderPullRequestSimple(call.context, each));
}

async function create(call: Call) {
  const { actor, context } = call;
  if (actor.kind === "anonymous") throw requiresAuthentication();
  const repository = repositoryOf(call, actor.kind === "user" ? read : { permission: "pull_requests", level: "write" });
  const body = call.body({
    title: { type: "string", required: true },
    head: { type: "string", required: true },
    base: { type: "string", required: true },
    body: { type: "string", nullable: true },
    head_repo: { type: "string" },
    draft: { type: "boolean" },
    maintainer_can_modify: { type: "boolean" },
  });
  const wanted = { title: body.title, body: body.body ?? null, head: body.head, base: body.base, draft: body.draft ?? false };
  return created(renderPullRequest(context, await openPullRequest(context, repository, wanted, authorOf(actor))));
}

async function update(call: Call) {
  const { actor } = call;
  if (actor.kind === "anonymous") throw requiresAuthentication();
  const repository = repositoryOf(call, actor.kind === "user" ? read : { permission: "pull_requests", level: "write" });
  const pull = findPullRequest(call, repository);
  const isAuthor = actor.kind === "user" && "accountId" in pull.author && pull.author.accountId === actor.account.id;
  if (actor.kind === "user" && !isAuthor && (accountLevel(repository, actor.account.id) ?? "read") === "read")
    throw mustHaveRights("write");
  const body = call.body({
    title: { type: "string" },
    body: { type: "string", nullable: true },
    state: { type: "string", oneOf: ["open", "closed"] },
    base: { type: "string" },
    maintainer_can_modify: { type: "boolean" },
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the field's oneOf was just checked
  const state = body.state as "open" | "closed" | undefined;
  const updated = await updatePullRequest(
    call.context,
    pull.id,
    { title: body.title, body: body.body, state, base: body.base },
    authorOf(actor),
  );
  return ok(renderPullRequest(call.context, updated));
}

async function merge(call: Call) {
  const repository = repositoryOf(call, { permission: "contents", level: "write" });
  const pull = findPullRequest(call, repository);
  const body = call.body({
    commit_title: { type: "string" },
    commit_message: { type: "string" },
    sha: { type: "string" },
    merge_method: { type: "string", oneOf: ["merge"] },
  });
  if (body.sha !== undefined && body.sha !== pull.head.sha)
    throw new HttpError(409, "Head branch was modified. Review and try the merge again.");
  const sha = await mergePullRequest(call.context, repository, pull, authorOf(call.actor));
  return ok({ sha, merged: true, message: "Pull Request successfully merged" });
}

export const pullRoutes: Route[] = [
  { method: "GET", path: "/repos/{owner}/{repo}/pulls", handle: list },
  { method: "POST", path: "/repos/{owner}/{repo}/pulls", handle: create },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/{number}",
    handle: (call) => ok(renderPullRequest(call.context, findPullRequest(call, repositoryOf(call, read)))),
  },
  { method: "PATCH", path: "/repos/{owner}/{repo}/pulls/{number}", handle: update },
  { method: "PUT", path: "/repos/{owner}/{repo}/pulls/{number}/merge", handle: merge },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/pulls/{number}/commits",
    async handle(call) {
      const repository = repositoryOf(call, read);
      const pull = findPullRequest(call, repository);
      const folder = repositoryFolder(call.context.directory, repository.id);
      const commits = await readCommits(folder, [`${pull.base.sha}..${pull.head.sha}`], 250);
      return paginate(call, commits.toReversed(), (each) => renderCommit(call.context, repository, each));
    },
  },
];
