import type { IncomingHttpHeaders } from "node:http";
import { isSignatureForm } from "./signature.ts";

export const maxBodyBytes = 25 * 1024 * 1024;

export type Refusal = { status: 400 | 401 | 405 | 413 | 415 | 503; reason: string };
export type DeliveryHeaders = { guid: string; event: string; signature: string };

/**
 * Decides by the headers alone whether a body is worth reading. The signature comes first: who cannot sign learns nothing else. Node joins
 * a header that is sent twice with a comma, so two signatures have no signature's form; the raw headers are counted all the same.
 */
export function checkHeaders(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): DeliveryHeaders | Refusal {
  const signature = single(headers, rawHeaders, "x-hub-signature-256");
  if (signature === undefined || !isSignatureForm(signature)) {
    return { status: 401, reason: "the header X-Hub-Signature-256 is missing or malformed" };
  }
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(headers["content-type"] ?? "")) {
    return { status: 415, reason: "the content type is not application/json: set the webhook's content type to it" };
  }
  if (headers["content-encoding"] !== undefined && headers["content-encoding"] !== "identity") {
    return { status: 415, reason: "the body is encoded" };
  }
  const guid = single(headers, rawHeaders, "x-github-delivery");
  if (guid === undefined || !/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(guid)) {
    return { status: 400, reason: "the header X-GitHub-Delivery is not a GUID" };
  }
  const event = single(headers, rawHeaders, "x-github-event");
  if (event === undefined || !/^[a-z0-9_]{1,64}$/.test(event)) {
    return { status: 400, reason: "the header X-GitHub-Event is not an event's name" };
  }
  if (Number(headers["content-length"] ?? 0) > maxBodyBytes)
    return { status: 413, reason: `the body is over ${maxBodyBytes} bytes` };
  return { guid: guid.toLowerCase(), event, signature };
}

function single(headers: IncomingHttpHeaders, rawHeaders: readonly string[], name: string): string | undefined {
  const count = rawHeaders.filter((raw, index) => index % 2 === 0 && raw.toLowerCase() === name).length;
  const value = headers[name];
  return count === 1 && typeof value === "string" ? value : undefined;
}
