import type { components as rest } from "@octokit/openapi-types";
import type { components as webhooks } from "@octokit/openapi-webhooks-types";

/** GitHub's own description of an answer, and of a webhook's payload: what the forge renders is checked against them. */
export type Schema<K extends keyof rest["schemas"]> = rest["schemas"][K];
export type WebhookSchema<K extends keyof webhooks["schemas"]> = webhooks["schemas"][K];

export function nodeId(kind: string, id: number): string {
  return `${kind}_${Buffer.from(String(id)).toString("base64url")}`;
}
