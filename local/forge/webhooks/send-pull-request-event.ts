import type { ForgeContext } from "../context.ts";
import { renderPullRequest, repositoryOfPullRequest } from "../render/pull-request.ts";
import type { WebhookSchema } from "../render/schema.ts";
import type { Author, PullRequest } from "../state/records.ts";
import { installationOf, renderEnvelope } from "./envelope.ts";

export type PullRequestChange =
  | { action: "opened" | "closed" | "reopened" | "locked" | "unlocked" }
  | { action: "synchronize"; before: string; after: string }
  | { action: "edited"; changes: WebhookSchema<"webhook-pull-request-edited">["changes"] };

/** What these payloads have in common is all there is to them, but for the action. */
type Common = Omit<WebhookSchema<"webhook-pull-request-opened">, "action"> &
  Omit<WebhookSchema<"webhook-pull-request-closed">, "action"> &
  Omit<WebhookSchema<"webhook-pull-request-reopened">, "action"> &
  Omit<WebhookSchema<"webhook-pull-request-edited">, "action" | "changes"> &
  Omit<WebhookSchema<"webhook-pull-request-synchronize">, "action" | "before" | "after">;

export function sendPullRequestEvent(context: ForgeContext, pull: PullRequest, change: PullRequestChange, sender: Author): void {
  const repository = repositoryOfPullRequest(context, pull);
  const installation = installationOf(context, repository);
  if (installation === undefined || !installation.events.includes("pull_request")) return;
  const common = {
    number: pull.number,
    pull_request: renderPullRequest(context, pull),
    ...renderEnvelope(context, repository, installation, sender),
  } satisfies Common;
  context.webhooks.send({
    event: "pull_request",
    action: change.action,
    payload: { ...change, ...common },
    installationId: installation.id,
    repositoryId: repository.id,
  });
}
