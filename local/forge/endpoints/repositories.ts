import { findAccount } from "../actions/accounts.ts";
import { forkRepository } from "../actions/create-repository.ts";
import { accountLevel, canSee, repositoryOf } from "../auth/access.ts";
import type { Actor } from "../auth/actor.ts";
import { HttpError, notAccessible, notFound, requiresAuthentication } from "../http/errors.ts";
import { ok } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderFullRepository, renderPermissions } from "../render/repository.ts";
import type { Schema } from "../render/schema.ts";
import { renderAccount } from "../render/user.ts";
import type { Level, Repository } from "../state/records.ts";

function levelOf(actor: Actor, repository: Repository): Level | undefined {
  if (actor.kind === "user") return accountLevel(repository, actor.account.id) ?? "read";
  return undefined;
}

function renderPermission(call: Call) {
  const repository = repositoryOf(call, { permission: "metadata", level: "read" });
  if (call.actor.kind === "anonymous") throw requiresAuthentication();
  if (call.actor.kind === "user" && (accountLevel(repository, call.actor.account.id) ?? "read") === "read")
    throw new HttpError(403, "Must have push access to view collaborator permission.");
  const account = findAccount(call.context, call.parameters["username"] ?? "");
  if (account === undefined) throw notFound();
  const level = accountLevel(repository, account.id) ?? (repository.private ? undefined : "read");
  const name = level ?? "none";
  const none = { admin: false, maintain: false, push: false, triage: false, pull: false };
  return ok({
    permission: name,
    user: {
      ...renderAccount(call.context, account),
      permissions: level === undefined ? none : renderPermissions(level),
      role_name: name,
    },
    role_name: name,
  } satisfies Schema<"repository-collaborator-permission">);
}

export const repositoryRoutes: Route[] = [
  {
    method: "GET",
    path: "/repos/{owner}/{repo}",
    handle(call) {
      const repository = repositoryOf(call, { permission: "metadata", level: "read" });
      return ok(renderFullRepository(call.context, repository, levelOf(call.actor, repository)));
    },
  },
  {
    method: "GET",
    path: "/repositories/{id}",
    handle(call) {
      if (call.actor.kind === "app") throw notAccessible();
      const repository = call.context.store.repositories.get(Number(call.parameters["id"]));
      if (repository === undefined || !canSee(call.actor, repository)) throw notFound();
      return ok(renderFullRepository(call.context, repository, levelOf(call.actor, repository)));
    },
  },
  {
    method: "POST",
    path: "/repos/{owner}/{repo}/forks",
    async handle(call) {
      const parent = repositoryOf(call, { permission: "contents", level: "read" });
      if (call.actor.kind !== "user") throw call.actor.kind === "anonymous" ? requiresAuthentication() : notAccessible();
      const body = call.body({
        organization: { type: "string" },
        name: { type: "string" },
        default_branch_only: { type: "boolean" },
      });
      const owner = body.organization === undefined ? call.actor.account : findAccount(call.context, body.organization);
      if (owner === undefined) throw new HttpError(422, "Invalid organization");
      if (parent.ownerId === owner.id) throw new HttpError(403, "You cannot fork your own repository.");
      const fork = await forkRepository(call.context, parent, owner, body.name);
      return { status: 202, body: renderFullRepository(call.context, fork, levelOf(call.actor, fork)) };
    },
  },
  { method: "GET", path: "/repos/{owner}/{repo}/collaborators/{username}/permission", handle: renderPermission },
];
