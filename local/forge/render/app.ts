import type { ForgeContext } from "../context.ts";
import type { Installation } from "../state/records.ts";
import { nodeId, type Schema } from "./schema.ts";
import { renderAccount } from "./user.ts";

export function renderApp(context: ForgeContext) {
  const { app } = context;
  const owner = context.store.accounts.get(app.ownerId);
  return {
    id: app.id,
    slug: app.slug,
    node_id: nodeId("A", app.id),
    client_id: `Iv1.${app.id}`,
    owner: renderAccount(context, owner ?? { id: app.ownerId, login: "ghost", type: "Organization" }),
    name: app.slug,
    description: "",
    external_url: context.urls.web,
    html_url: `${context.urls.web}/apps/${app.slug}`,
    created_at: app.createdAt,
    updated_at: app.createdAt,
    permissions: { ...app.permissions },
    events: [...app.events],
  } satisfies Schema<"integration">;
}

export function renderInstallation(context: ForgeContext, installation: Installation) {
  const account = context.store.accounts.get(installation.accountId);
  const type = account?.type ?? "Organization";
  const selection: "all" | "selected" = "selected";
  return {
    id: installation.id,
    account: renderAccount(context, account ?? { id: installation.accountId, login: "ghost", type }),
    repository_selection: selection,
    access_tokens_url: `${context.urls.api}/app/installations/${installation.id}/access_tokens`,
    repositories_url: `${context.urls.api}/installation/repositories`,
    html_url: `${context.urls.web}/settings/installations/${installation.id}`,
    app_id: context.app.id,
    app_slug: context.app.slug,
    client_id: `Iv1.${context.app.id}`,
    target_id: installation.accountId,
    target_type: type,
    permissions: installation.permissions as Schema<"app-permissions">,
    events: [...installation.events],
    created_at: installation.createdAt,
    updated_at: installation.updatedAt,
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [] as string[],
    suspended_by: null,
    suspended_at: null,
  } satisfies Schema<"installation">;
}
