import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { failpoint } from "#common/failpoint.ts";
import type { Logger } from "#common/logger.ts";
import { currentTraceparent, traced } from "#common/telemetry/traced.ts";
import { checkHeaders, type DeliveryHeaders, maxBodyBytes, type Refusal } from "./check-headers.ts";
import type { Inbox } from "./create-inbox.ts";
import { readBody } from "./read-body.ts";
import { verifySignature } from "./signature.ts";

export const webhookPath = "/webhook/github";

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/**
 * `POST /webhook/github`: verifies the raw bytes, stores the delivery, then answers 202. Nothing is parsed here: an answer means that the
 * delivery is committed, whatever it says. GitHub does not send a delivery again by itself, so nothing that could still be stored is refused.
 */
export function createWebhookHandler(o: {
  secrets: readonly string[];
  inbox: Inbox;
  log: Logger;
}): (request: HttpRequest, response: HttpResponse) => Promise<void> {
  async function receive(request: HttpRequest): Promise<DeliveryHeaders | Refusal> {
    if (request.method !== "POST") return { status: 405, reason: "only POST is answered here" };
    const headers = checkHeaders(request.headers, request.rawHeaders);
    if ("status" in headers) return headers;
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined) return { status: 413, reason: `the body is over ${maxBodyBytes} bytes` };
    if (!verifySignature(o.secrets, body, headers.signature))
      return { status: 401, reason: "the signature does not fit the body" };
    if (!isUtf8(body) || body.includes(0)) return { status: 400, reason: "the body is not UTF-8 text" };
    try {
      await failpoint("webhook.before-commit");
      await o.inbox.store({ guid: headers.guid, event: headers.event, body, traceparent: currentTraceparent() });
      await failpoint("webhook.after-commit");
    } catch (err) {
      o.log.error({ err, delivery: headers.guid }, "a delivery could not be stored");
      return { status: 503, reason: "the delivery could not be stored; redeliver it" };
    }
    return headers;
  }

  return async (request, response) => {
    let outcome: DeliveryHeaders | Refusal;
    try {
      outcome = await traced("webhook", { kind: "server" }, async () => receive(request));
    } catch (err) {
      // The sender went away before its body ended: there is nobody to answer.
      o.log.debug({ err }, "a webhook request broke off");
      request.destroy();
      return;
    }
    if ("status" in outcome) {
      o.log.warn({ status: outcome.status, reason: outcome.reason }, "a webhook request was refused");
      refuse(response, outcome);
    } else {
      o.log.debug({ delivery: outcome.guid, event: outcome.event }, "delivery stored");
      response.statusCode = 202;
      response.end();
    }
  };
}

/** The unread rest of a body is the server's to cut: common/rpc ends the connection once the answer was taken. */
function refuse(response: HttpResponse, refusal: Refusal): void {
  response.statusCode = refusal.status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  if (refusal.status === 405) response.setHeader("allow", "POST");
  if (refusal.status === 503) response.setHeader("retry-after", "10");
  response.end(`${refusal.status === 401 ? "unauthenticated" : refusal.reason}\n`);
}
