import { createHmac, randomUUID } from "node:crypto";
import { timestamp } from "../render/timestamp.ts";
import type { Store } from "../state/open-store.ts";
import type { Delivery } from "../state/records.ts";
import { postWebhook } from "./post-webhook.ts";

export type Webhook = {
  event: string;
  action: string | null;
  payload: object;
  installationId: number | null;
  repositoryId: number | null;
};

export type WebhookSender = {
  url(): string | undefined;
  setUrl(url: string | undefined): void;
  hookId: number;
  /** Queues a webhook behind those of its repository and returns at once. Without a URL there is no hook, so nothing happens. */
  send(webhook: Webhook): void;
  /** Sends a delivery's body again under its GUID, as a delivery of its own. */
  redeliver(delivery: Delivery): void;
  /** Settles once everything queued so far was delivered or failed. */
  settled(): Promise<void>;
  stop(): Promise<void>;
};

const keptMs = 3 * 24 * 3600 * 1000; // GitHub lists deliveries of the last three days

export function createWebhookSender(o: {
  store: Store;
  appId: number;
  secret: string;
  ca: string | undefined;
  timeoutMs: number;
  clock: () => Date;
  log: (line: string) => void;
}): WebhookSender {
  const stopping = new AbortController();
  const queues = new Map<number, Promise<void>>();
  const hookId = Number(o.store.setting("hook_id") ?? o.store.nextId());
  o.store.setSetting("hook_id", String(hookId));
  let url: string | undefined;

  function enqueue(key: number, work: () => Promise<void>): void {
    const tail = (queues.get(key) ?? Promise.resolve())
      .then(work)
      .catch((error: unknown) => o.log(`A webhook could not be recorded: ${String(error)}`))
      .finally(() => {
        if (queues.get(key) === tail) queues.delete(key);
      });
    queues.set(key, tail);
  }

  async function attempt(
    target: string,
    webhook: Omit<Webhook, "payload">,
    guid: string,
    body: string,
    redelivery: boolean,
  ): Promise<void> {
    const raw = Buffer.from(body);
    const headers = {
      Accept: "*/*",
      "Content-Type": "application/json",
      "User-Agent": "GitHub-Hookshot/catapult",
      "X-GitHub-Delivery": guid,
      "X-GitHub-Event": webhook.event,
      "X-GitHub-Hook-ID": String(hookId),
      "X-GitHub-Hook-Installation-Target-ID": String(o.appId),
      "X-GitHub-Hook-Installation-Target-Type": "integration",
      "X-Hub-Signature": `sha1=${createHmac("sha1", o.secret).update(raw).digest("hex")}`,
      "X-Hub-Signature-256": `sha256=${createHmac("sha256", o.secret).update(raw).digest("hex")}`,
    };
    const deliveredAt = timestamp(o.clock());
    const posted = await postWebhook({
      url: target,
      headers,
      body: raw,
      ca: o.ca,
      timeoutMs: o.timeoutMs,
      signal: stopping.signal,
    });
    const id = o.store.nextId();
    o.store.putDelivery(
      {
        id,
        guid,
        deliveredAt,
        redelivery,
        durationMs: posted.durationMs,
        status: posted.status,
        statusCode: posted.statusCode,
        event: webhook.event,
        action: webhook.action,
        installationId: webhook.installationId,
        repositoryId: webhook.repositoryId,
        url: target,
      },
      { requestHeaders: headers, body, responseHeaders: posted.headers, responseBody: posted.body },
    );
    const name = webhook.action === null ? webhook.event : `${webhook.event}.${webhook.action}`;
    o.log(
      `webhook ${name} → ${posted.statusCode === 0 ? posted.status : posted.statusCode} in ${Math.round(posted.durationMs)} ms`,
    );
  }

  function prune(): void {
    const oldest = timestamp(new Date(o.clock().getTime() - keptMs));
    for (const delivery of o.store.deliveries.filter((each) => each.deliveredAt < oldest)) o.store.deleteDelivery(delivery.id);
  }

  prune();
  return {
    hookId,
    url: () => url,
    setUrl: (value) => void (url = value),
    send(webhook) {
      const target = url;
      if (target === undefined) return;
      // Rendered now: a payload tells how things were when the event happened.
      const body = JSON.stringify(webhook.payload);
      const guid = randomUUID();
      enqueue(webhook.repositoryId ?? 0, () => attempt(target, webhook, guid, body, false));
    },
    redeliver(delivery) {
      const content = o.store.deliveryContent(delivery.id);
      if (content === undefined) return;
      enqueue(delivery.repositoryId ?? 0, () => attempt(url ?? delivery.url, delivery, delivery.guid, content.body, true));
    },
    async settled() {
      while (queues.size > 0) await Promise.all(queues.values());
    },
    async stop() {
      stopping.abort();
      while (queues.size > 0) await Promise.all(queues.values());
    },
  };
}
