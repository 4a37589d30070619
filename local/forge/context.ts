import type { Faults } from "./faults.ts";
import type { Locks } from "./git/create-locks.ts";
import type { Permissions } from "./state/records.ts";
import type { Store } from "./state/open-store.ts";
import type { WebhookSender } from "./webhooks/create-webhook-sender.ts";

export type AppSettings = {
  id: number;
  slug: string;
  publicKey: string;
  ownerId: number;
  botId: number;
  permissions: Permissions;
  events: string[];
  createdAt: string;
};

/** What every part of the forge is given. */
export type ForgeContext = {
  directory: string;
  store: Store;
  app: AppSettings;
  urls: { web: string; api: string };
  locks: Locks;
  webhooks: WebhookSender;
  faults: Faults;
  clock: () => Date;
  log: (line: string) => void;
};
