import { requireApp } from "../auth/authenticate.ts";
import { notFound } from "../http/errors.ts";
import { pageSize } from "../http/paging.ts";
import { ok } from "../http/answer.ts";
import type { Call, Route } from "../http/route.ts";
import { renderDelivery, renderFullDelivery } from "../render/delivery.ts";

const failed = (code: number) => code < 200 || code >= 400;

function find(call: Call) {
  requireApp(call.actor);
  const delivery = call.context.store.deliveries.get(Number(call.parameters["id"]));
  const content = delivery && call.context.store.deliveryContent(delivery.id);
  if (delivery === undefined || content === undefined) throw notFound();
  return { delivery, content };
}

/** Newest first. Pages go by a cursor, not by number: deliveries come in while one reads. */
function list(call: Call) {
  requireApp(call.actor);
  const below = Number(/^v1_(\d+)$/.exec(call.query.get("cursor") ?? "")?.[1] ?? Infinity);
  const status = call.query.get("status");
  const found = call.context.store.deliveries
    .filter((each) => each.id < below && (status === null || failed(each.statusCode) === (status === "failure")))
    .toSorted((one, other) => other.id - one.id);
  const page = found.slice(0, pageSize(call));
  const last = page.at(-1);
  const headers: Record<string, string> = {};
  if (last !== undefined && found.length > page.length) {
    const next = new URL(call.url);
    next.searchParams.set("cursor", `v1_${last.id}`);
    headers["link"] = `<${next.href}>; rel="next"`;
  }
  return { status: 200, body: page.map(renderDelivery), headers };
}

export const deliveryRoutes: Route[] = [
  { method: "GET", path: "/app/hook/deliveries", handle: list },
  {
    method: "GET",
    path: "/app/hook/deliveries/{id}",
    handle(call) {
      const { delivery, content } = find(call);
      return ok(renderFullDelivery(delivery, content));
    },
  },
  {
    method: "POST",
    path: "/app/hook/deliveries/{id}/attempts",
    handle(call) {
      call.context.webhooks.redeliver(find(call).delivery);
      return { status: 202, body: {} };
    },
  },
];
