import type pg from "pg";
import type { Logger } from "#common/logger.ts";
import { createInbox } from "./create-inbox.ts";
import { canStoreDeliveries } from "./sql/can-store-deliveries.ts";
import { createWebhookHandler, type HttpRequest, type HttpResponse, webhookPath } from "./create-webhook-handler.ts";

/** What stands beside the RPCs on Central's port. Answers false for what is none of it. */
export function createHttpHandler(o: {
  pool: pg.Pool;
  secrets: readonly string[];
  onStored: () => void;
  /** How a webhook request was answered. */
  onAnswered?: (status: number) => void;
  log: Logger;
}): (request: HttpRequest, response: HttpResponse) => Promise<boolean> {
  const receive = createWebhookHandler({ secrets: o.secrets, inbox: createInbox(o.pool, o.onStored), log: o.log });
  return async (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0];
    if (path === webhookPath) {
      await receive(request, response);
      if (response.headersSent) o.onAnswered?.(response.statusCode);
    } else if (path === "/healthz") answer(response, 200, "ok\n");
    else if (path === "/readyz") await answerReady(o.pool, response);
    else return false;
    return true;
  };
}

/** Ready is who can commit a delivery now. */
async function answerReady(pool: pg.Pool, response: HttpResponse): Promise<void> {
  try {
    if (await canStoreDeliveries(pool)) answer(response, 200, "ready\n");
    else answer(response, 503, "the database takes no writes\n");
  } catch {
    answer(response, 503, "the database does not answer\n");
  }
}

function answer(response: HttpResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "text/plain");
  response.setHeader("cache-control", "no-store");
  response.end(text);
}
