import type { ForgeContext } from "../context.ts";
import { mustHaveRights, notAccessible, notFound, requiresAuthentication } from "../http/errors.ts";
import type { Call } from "../http/route.ts";
import type { Level, Permissions, Repository } from "../state/records.ts";
import type { Actor } from "./actor.ts";

export type Need = { permission: string | readonly string[]; level: "read" | "write" };

const rank: Record<string, number> = { read: 1, write: 2, admin: 3 };

export function holds(granted: Permissions, permission: string, level: string): boolean {
  return (rank[granted[permission] ?? ""] ?? 0) >= (rank[level] ?? Infinity);
}

/** What a person may do with a repository: what was given them, or what its owner may. */
export function accountLevel(repository: Repository, accountId: number): Level | undefined {
  if (repository.ownerId === accountId) return "admin";
  return repository.collaborators[String(accountId)];
}

export function tokenCovers(actor: Extract<Actor, { kind: "installation" }>, repositoryId: number): boolean {
  return actor.installation.repositoryIds.includes(repositoryId) && (actor.token.repositoryIds?.includes(repositoryId) ?? true);
}

export function canSee(actor: Actor, repository: Repository): boolean {
  if (!repository.private) return true;
  if (actor.kind === "installation") return tokenCovers(actor, repository.id);
  return actor.kind === "user" && accountLevel(repository, actor.account.id) !== undefined;
}

/** Refuses what the caller may not do, in GitHub's order: what cannot be seen does not exist; what may not be done is 403. */
export function requireAccess(actor: Actor, repository: Repository, need: Need): void {
  if (!canSee(actor, repository)) throw notFound();
  const permissions = typeof need.permission === "string" ? [need.permission] : need.permission;
  if (actor.kind === "installation") {
    const covered = tokenCovers(actor, repository.id);
    if (!covered && need.level === "read") return; // public
    if (!covered || !permissions.some((permission) => holds(actor.token.permissions, permission, need.level)))
      throw notAccessible();
    return;
  }
  if (need.level === "read") return;
  if (actor.kind === "anonymous") throw requiresAuthentication();
  if (actor.kind === "app") throw notAccessible();
  if ((rank[accountLevel(repository, actor.account.id) ?? ""] ?? 0) < 2) throw mustHaveRights("write");
}

export function findRepository(context: ForgeContext, owner: string, name: string): Repository | undefined {
  const account = context.store.accounts.find((each) => each.login.toLowerCase() === owner.toLowerCase());
  if (account === undefined) return undefined;
  return context.store.repositories.find((each) => each.ownerId === account.id && each.name.toLowerCase() === name.toLowerCase());
}

/** The repository that a call's path names, if the caller may do this with it. */
export function repositoryOf(call: Call, need: Need): Repository {
  if (call.actor.kind === "app") throw notAccessible();
  const repository = findRepository(call.context, call.parameters["owner"] ?? "", call.parameters["repo"] ?? "");
  if (repository === undefined) throw notFound();
  requireAccess(call.actor, repository, need);
  return repository;
}
