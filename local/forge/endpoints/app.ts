import { randomBytes } from "node:crypto";
import { hashToken, requireApp } from "../auth/authenticate.ts";
import { findRepository, holds } from "../auth/access.ts";
import { HttpError, notFound } from "../http/errors.ts";
import { paginate } from "../http/paging.ts";
import { created, ok } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderApp, renderInstallation } from "../render/app.ts";
import { renderRepository } from "../render/repository.ts";
import type { Schema } from "../render/schema.ts";
import { timestamp } from "../render/timestamp.ts";
import type { Installation, Level, Permissions, Repository } from "../state/records.ts";
import { installationOf } from "../webhooks/envelope.ts";

const tokenLifeMs = 3600 * 1000;

function installationFor(call: Call): Installation {
  requireApp(call.actor);
  const installation = call.context.store.installations.get(Number(call.parameters["id"]));
  if (installation === undefined) throw notFound();
  return installation;
}

function chooseRepositories(
  call: Call,
  installation: Installation,
  ids: number[] | undefined,
  names: string[] | undefined,
): Repository[] | undefined {
  if (ids === undefined && names === undefined) return undefined;
  const owner = call.context.store.accounts.get(installation.accountId)?.login ?? "";
  const chosen = [
    ...(ids ?? []).map((id) => call.context.store.repositories.get(id)),
    ...(names ?? []).map((name) => findRepository(call.context, owner, name)),
  ];
  return [...new Set(chosen)].map((repository) => {
    if (repository === undefined || !installation.repositoryIds.includes(repository.id))
      throw new HttpError(
        422,
        "There is at least one repository that does not exist or is not accessible to the parent installation.",
      );
    return repository;
  });
}

function choosePermissions(installation: Installation, wanted: Record<string, string> | undefined): Permissions {
  if (wanted === undefined) return { ...installation.permissions };
  for (const [permission, level] of Object.entries(wanted))
    if (!holds(installation.permissions, permission, level))
      throw new HttpError(422, "The permissions requested are not granted to this installation.");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- holds() knows no other level
  return { ...(wanted as Record<string, Level>), metadata: "read" };
}

function createToken(call: Call) {
  const installation = installationFor(call);
  const body = call.body({
    repositories: { type: "strings" },
    repository_ids: { type: "integers" },
    permissions: { type: "levels" },
  });
  const repositories = chooseRepositories(call, installation, body.repository_ids, body.repositories);
  const permissions = choosePermissions(installation, body.permissions);
  const token = `ghs_${randomBytes(27).toString("base64url").replaceAll(/[-_]/g, "0")}`;
  const now = call.context.clock();
  for (const old of call.context.store.installationTokens.filter((each) => new Date(each.expiresAt) <= now))
    call.context.store.installationTokens.delete(old.id);
  const record = call.context.store.installationTokens.put({
    id: call.context.store.nextId(),
    hash: hashToken(token),
    installationId: installation.id,
    repositoryIds: repositories?.map((each) => each.id) ?? null,
    permissions,
    expiresAt: timestamp(new Date(now.getTime() + tokenLifeMs)),
  });
  return created({
    token,
    expires_at: record.expiresAt,
    permissions: permissions as Schema<"app-permissions">,
    repository_selection: "selected",
    ...(repositories === undefined ? {} : { repositories: repositories.map((each) => renderRepository(call.context, each)) }),
  } satisfies Schema<"installation-token">);
}

/** What the App does in its own name, with its web token. */
export const appRoutes: Route[] = [
  {
    method: "GET",
    path: "/app",
    handle(call) {
      requireApp(call.actor);
      return ok({ ...renderApp(call.context), installations_count: call.context.store.installations.all().length });
    },
  },
  {
    method: "GET",
    path: "/app/installations",
    handle(call) {
      requireApp(call.actor);
      return paginate(call, call.context.store.installations.all(), (each) => renderInstallation(call.context, each));
    },
  },
  {
    method: "GET",
    path: "/app/installations/{id}",
    handle: (call) => ok(renderInstallation(call.context, installationFor(call))),
  },
  { method: "POST", path: "/app/installations/{id}/access_tokens", handle: createToken },
  {
    method: "GET",
    path: "/repos/{owner}/{repo}/installation",
    handle(call) {
      requireApp(call.actor);
      const repository = findRepository(call.context, call.parameters["owner"] ?? "", call.parameters["repo"] ?? "");
      const installation = repository && installationOf(call.context, repository);
      if (installation === undefined) throw notFound();
      return ok(renderInstallation(call.context, installation));
    },
  },
  ...(["users", "orgs"] as const).map((kind): Route => ({
    method: "GET",
    path: `/${kind}/{login}/installation`,
    handle(call) {
      requireApp(call.actor);
      const login = (call.parameters["login"] ?? "").toLowerCase();
      const found = call.context.store.installations.find(
        (each) => call.context.store.accounts.get(each.accountId)?.login.toLowerCase() === login,
      );
      if (found === undefined) throw notFound();
      return ok(renderInstallation(call.context, found));
    },
  })),
];
