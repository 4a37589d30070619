import type { ForgeContext } from "../context.ts";
import { renderInstallation } from "../render/app.ts";
import { fullName } from "../render/repository.ts";
import { nodeId, type WebhookSchema } from "../render/schema.ts";
import { timestamp } from "../render/timestamp.ts";
import { renderAuthor } from "../render/user.ts";
import type { Author, Installation, Repository } from "../state/records.ts";

export function sendPing(context: ForgeContext): void {
  const url = context.webhooks.url();
  if (url === undefined) return;
  const { hookId } = context.webhooks;
  const at = timestamp(context.clock());
  const payload = {
    zen: "Speak like a human.",
    hook_id: hookId,
    hook: {
      type: "App",
      id: hookId,
      name: "web",
      active: true,
      events: [...context.app.events],
      config: { content_type: "json", insecure_ssl: "0", secret: "********", url },
      updated_at: at,
      created_at: at,
      app_id: context.app.id,
      deliveries_url: `${context.urls.api}/app/hook/deliveries`,
    },
  } satisfies WebhookSchema<"webhook-ping">;
  context.webhooks.send({ event: "ping", action: null, payload, installationId: null, repositoryId: null });
}

function renderGranted(context: ForgeContext, repository: Repository) {
  return {
    id: repository.id,
    node_id: nodeId("R", repository.id),
    name: repository.name,
    full_name: fullName(context, repository),
    private: repository.private,
  };
}

function renderEventInstallation(context: ForgeContext, installation: Installation) {
  return renderInstallation(context, installation) as WebhookSchema<"installation">;
}

export function sendInstallationEvent(
  context: ForgeContext,
  o: { action: "created" | "deleted"; installation: Installation; repositories: Repository[]; sender: Author },
): void {
  const payload = {
    action: "created",
    installation: renderEventInstallation(context, o.installation),
    repositories: o.repositories.map((each) => renderGranted(context, each)),
    sender: renderAuthor(context, o.sender),
  } satisfies WebhookSchema<"webhook-installation-created">;
  const told = { ...payload, action: o.action };
  context.webhooks.send({
    event: "installation",
    action: o.action,
    payload: told,
    installationId: o.installation.id,
    repositoryId: null,
  });
}

export function sendInstallationRepositoriesEvent(
  context: ForgeContext,
  o: { action: "added" | "removed"; installation: Installation; repositories: Repository[]; sender: Author },
): void {
  const repositories = o.repositories.map((each) => renderGranted(context, each));
  const payload = {
    action: o.action,
    installation: renderEventInstallation(context, o.installation),
    repository_selection: "selected",
    repositories_added: o.action === "added" ? repositories : [],
    repositories_removed: o.action === "removed" ? repositories : [],
    requester: null,
    sender: renderAuthor(context, o.sender),
  };
  context.webhooks.send({
    event: "installation_repositories",
    action: o.action,
    payload,
    installationId: o.installation.id,
    repositoryId: null,
  });
}
