import { createHmac, randomUUID } from "node:crypto";
import { type Agent, request } from "node:https";
import type { Stack } from "#test/support/stack.ts";

/** Sends a webhook to one Central as GitHub would; answers its status, 0 without an answer. */
export async function postWebhook(
  stack: Stack,
  o: { central: number; event: string; payload: object; guid?: string; timeoutMs?: number; agent?: Agent },
): Promise<{ status: number; guid: string }> {
  const body = JSON.stringify(o.payload);
  const guid = o.guid ?? randomUUID();
  return new Promise((resolve) => {
    const sent = request(
      `${stack.centralUrls[o.central]}/webhook/github`,
      {
        method: "POST",
        ca: stack.ca,
        agent: o.agent ?? false,
        timeout: o.timeoutMs ?? 10_000,
        headers: {
          "content-type": "application/json",
          "x-github-event": o.event,
          "x-github-delivery": guid,
          "x-hub-signature-256": `sha256=${createHmac("sha256", stack.webhookSecret).update(body).digest("hex")}`,
        },
      },
      (response) => {
        response.resume();
        response.on("end", () => resolve({ status: response.statusCode ?? 0, guid }));
      },
    );
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve({ status: 0, guid }));
    sent.end(body);
  });
}

/** What a pull_request delivery says, as far as Central reads it. */
export function pullRequestPayload(o: { repositoryId: number; number: number; commit: string; action?: string }): object {
  return {
    action: o.action ?? "synchronize",
    number: o.number,
    repository: { id: o.repositoryId },
    pull_request: { head: { sha: o.commit } },
  };
}
