import { chmod, mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import type { Logger } from "#common/logger.ts";
import { ensureAccount } from "./actions/accounts.ts";
import type { AppSettings, ForgeContext } from "./context.ts";
import { createFaults } from "./faults.ts";
import { createLocks } from "./git/create-locks.ts";
import { isGitPath, serveGit } from "./git/serve-git.ts";
import { createApiServer } from "./http/answer-api.ts";
import { createForgeOperations, type ForgeOperations } from "./operations.ts";
import { servePage } from "./pages/serve-page.ts";
import { timestamp } from "./render/timestamp.ts";
import { openStore, type Store } from "./state/open-store.ts";
import type { Permissions } from "./state/records.ts";
import { createWebhookSender } from "./webhooks/create-webhook-sender.ts";

export type ForgeOptions = {
  /** Everything the forge remembers; started again on it, the forge goes on where it stopped. */
  directory: string;
  listen?: { host: string; port: number };
  /** Where webhooks go. Without one none are made, as for an App without a webhook. */
  webhookUrl?: string;
  webhookSecret: string;
  /** PEM of a CA that the webhook's receiver is trusted by. */
  webhookCa?: string;
  webhookTimeoutMs?: number;
  app: { id: string; publicKey: string; slug?: string; permissions?: Permissions; events?: string[] };
  tls?: { cert: string; key: string };
  log: Logger | ((line: string) => void);
  clock?: () => Date;
};

export type Forge = ForgeOperations & {
  /** What GITHUB_URL is to be. */
  url: string;
  /** What GITHUB_API_URL is to be. */
  apiUrl: string;
  stop(): Promise<void>;
};

const apiPrefix = "/api/v3";
const defaultPermissions: Permissions = {
  metadata: "read",
  contents: "read",
  pull_requests: "write",
  issues: "write",
  checks: "write",
  deployments: "write",
  statuses: "write",
};
const defaultEvents = ["push", "pull_request", "issue_comment"];

/** Starts a GitHub stand-in: repositories over smart HTTP, the REST API, the App's tokens, signed webhooks, and a page for each pull request. */
export async function startForge(o: ForgeOptions): Promise<Forge> {
  const clock = o.clock ?? (() => new Date());
  const { log: given } = o;
  const log = typeof given === "function" ? given : (line: string) => given.info(line);
  await mkdir(join(o.directory, "repositories"), { recursive: true });
  await chmod(o.directory, 0o700); // users' tokens lie there
  const store = openStore(join(o.directory, "forge.sqlite"));
  let answer: ((request: IncomingMessage, response: ServerResponse) => Promise<void>) | undefined;
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    answer?.(request, response).catch((error: unknown) => {
      log(`${request.method} ${request.url} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      response.destroy();
    });
  };
  const server = o.tls === undefined ? createServer(listener) : createTlsServer(o.tls, listener);
  try {
    const { host, port } = o.listen ?? { host: "127.0.0.1", port: 0 };
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
    const shownHost = host.includes(":") ? `[${host}]` : host;
    const address = server.address();
    if (address === null || typeof address === "string")
      throw new Error(`The forge listens on ${String(address)}, which is no port.`);
    const url = `${o.tls === undefined ? "http" : "https"}://${shownHost}:${address.port}`;
    const app = readApp(store, o.app, clock);
    const webhooks = createWebhookSender({
      store,
      appId: app.id,
      secret: o.webhookSecret,
      ca: o.webhookCa,
      timeoutMs: o.webhookTimeoutMs ?? 10_000, // GitHub's limit
      clock,
      log,
    });
    const context: ForgeContext = {
      directory: o.directory,
      store,
      app,
      urls: { web: url, api: `${url}${apiPrefix}` },
      locks: createLocks(),
      webhooks,
      faults: createFaults(),
      clock,
      log,
    };
    answer = createAnswer(context);
    const operations = createForgeOperations(context);
    operations.setWebhookUrl(o.webhookUrl);
    return {
      ...operations,
      url,
      apiUrl: context.urls.api,
      async stop() {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        await closed;
        await webhooks.stop();
        store.close();
      },
    };
  } catch (error) {
    server.close();
    store.close();
    throw error;
  }
}

function createAnswer(context: ForgeContext) {
  const serveApi = createApiServer(context);
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "/", context.urls.web);
    if (url.pathname.startsWith(`${apiPrefix}/`)) await serveApi(request, response, url.pathname.slice(apiPrefix.length));
    else if (isGitPath(url.pathname)) {
      const fault = context.faults.answerOf(request.method ?? "GET", url.pathname);
      if (fault === undefined) await serveGit(context, request, response, url);
      else response.writeHead(fault.status, { "www-authenticate": 'Basic realm="GitHub"' }).end();
    } else await servePage(context, request, response, url.pathname);
  };
}

function readApp(store: Store, app: ForgeOptions["app"], clock: () => Date): AppSettings {
  const id = Number(app.id);
  if (!Number.isSafeInteger(id) || id <= 0) throw new Error(`An App's id is a positive number; "${app.id}" is not.`);
  const keep = (name: string, make: () => string): string => {
    const value = store.setting(name) ?? make();
    store.setSetting(name, value);
    return value;
  };
  const slug = app.slug ?? "catapult";
  return {
    id,
    slug,
    publicKey: app.publicKey,
    ownerId: ensureAccount({ store, clock }, `${slug}-makers`, "Organization").id,
    botId: Number(keep("bot_id", () => String(store.nextId()))),
    createdAt: keep("app_created_at", () => timestamp(clock())),
    permissions: app.permissions ?? defaultPermissions,
    events: app.events ?? defaultEvents,
  };
}
