import { findAccount } from "../actions/accounts.ts";
import { notAccessible, notFound, requiresAuthentication } from "../http/errors.ts";
import { ok } from "../http/answer.ts";
import type { Route } from "../http/route.ts";
import type { Schema } from "../render/schema.ts";
import { renderAccount, type RenderedUser } from "../render/user.ts";

function renderPublic(user: RenderedUser, createdAt: string) {
  return {
    ...user,
    name: user.login,
    company: null,
    blog: null,
    location: null,
    email: null,
    hireable: null,
    bio: null,
    public_repos: 0,
    public_gists: 0,
    followers: 0,
    following: 0,
    created_at: createdAt,
    updated_at: createdAt,
  } satisfies Schema<"public-user">;
}

export const userRoutes: Route[] = [
  {
    method: "GET",
    path: "/user",
    handle(call) {
      if (call.actor.kind === "anonymous") throw requiresAuthentication();
      if (call.actor.kind !== "user") throw notAccessible();
      return ok(renderPublic(renderAccount(call.context, call.actor.account), call.actor.account.createdAt));
    },
  },
  {
    method: "GET",
    path: "/users/{username}",
    handle(call) {
      const account = findAccount(call.context, call.parameters["username"] ?? "");
      if (account === undefined) throw notFound();
      return ok(renderPublic(renderAccount(call.context, account), account.createdAt));
    },
  },
];
