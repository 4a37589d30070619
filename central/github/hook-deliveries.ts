import type { GitHub } from "./create-github.ts";
import { callGitHub } from "./github-error.ts";

/** One attempt to deliver one webhook, as GitHub lists it; a redelivery is another attempt with the same GUID. */
export type HookDelivery = { id: bigint; guid: string; deliveredAt: Date; statusCode: number };

export type DeliveryPage = { deliveries: HookDelivery[]; next: string | undefined };

/** The App's deliveries of the last three days, newest first. */
export async function listHookDeliveries(github: GitHub, cursor: string | undefined): Promise<DeliveryPage> {
  const { data, headers } = await callGitHub("listing the App's webhook deliveries", () =>
    github.app.request("GET /app/hook/deliveries", { per_page: 100, ...(cursor !== undefined && { cursor }) }),
  );
  const deliveries = data.map((each) => ({
    id: BigInt(each.id),
    guid: each.guid.toLowerCase(),
    deliveredAt: new Date(each.delivered_at),
    statusCode: each.status_code,
  }));
  return { deliveries, next: readCursor(headers.link) };
}

/** Asks GitHub to send a delivery again: same GUID, same body. It comes in like any other. */
export async function redeliverHook(github: GitHub, id: bigint): Promise<void> {
  await callGitHub(`asking for delivery ${id} again`, () =>
    github.app.request("POST /app/hook/deliveries/{delivery_id}/attempts", { delivery_id: Number(id) }),
  );
}

function readCursor(link: string | undefined): string | undefined {
  const next = link?.split(",").find((part) => /;\s*rel="?next"?/.test(part));
  const cursor = /[?&]cursor=([^&>]+)/.exec(next ?? "")?.[1];
  return cursor === undefined ? undefined : decodeURIComponent(cursor);
}
