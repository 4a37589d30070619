import type { Delivery, DeliveryContent } from "../state/records.ts";
import type { Schema } from "./schema.ts";

export function renderDelivery(delivery: Delivery) {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: Math.round(delivery.durationMs) / 1000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: delivery.installationId,
    repository_id: delivery.repositoryId,
    throttled_at: null,
  } satisfies Schema<"hook-delivery-item">;
}

export function renderFullDelivery(delivery: Delivery, content: DeliveryContent) {
  return {
    ...renderDelivery(delivery),
    url: delivery.url,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- payloads are made here, as objects
    request: { headers: content.requestHeaders, payload: JSON.parse(content.body) as Record<string, unknown> },
    response: { headers: content.responseHeaders, payload: content.responseBody },
  } satisfies Schema<"hook-delivery">;
}
