import type { ForgeContext } from "../context.ts";
import type { Account, Author } from "../state/records.ts";
import { nodeId, type Schema } from "./schema.ts";

export function renderAccount(
  context: ForgeContext,
  account: Pick<Account, "id" | "login"> & { type: "User" | "Organization" | "Bot" },
) {
  const { web, api } = context.urls;
  const login = encodeURIComponent(account.login);
  const url = `${api}/users/${login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId(account.type === "Organization" ? "O" : account.type === "Bot" ? "BOT" : "U", account.id),
    avatar_url: `${web}/avatars/u/${account.id}?v=4`,
    gravatar_id: "",
    url,
    html_url: account.type === "Bot" ? `${web}/apps/${context.app.slug}` : `${web}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type: account.type,
    user_view_type: "public",
    site_admin: false,
  } satisfies Schema<"simple-user">;
}

export type RenderedUser = ReturnType<typeof renderAccount>;

/** The App writes as a bot that is named after it. */
export function renderBot(context: ForgeContext): RenderedUser {
  return renderAccount(context, { id: context.app.botId, login: `${context.app.slug}[bot]`, type: "Bot" });
}

export function renderAuthor(context: ForgeContext, author: Author): RenderedUser {
  if ("app" in author) return renderBot(context);
  const account = context.store.accounts.get(author.accountId);
  return renderAccount(context, account ?? { id: author.accountId, login: "ghost", type: "User" });
}

export function renderOrganization(context: ForgeContext, account: Account) {
  const url = `${context.urls.api}/orgs/${encodeURIComponent(account.login)}`;
  return {
    login: account.login,
    id: account.id,
    node_id: nodeId("O", account.id),
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url: `${context.urls.web}/avatars/u/${account.id}?v=4`,
    description: null,
  } satisfies Schema<"organization-simple">;
}
