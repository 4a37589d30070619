import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createReleasers, type Releasers } from "#common/lifecycle.ts";
import { createLogger } from "#common/logger.ts";
import { createSigningKey, formatWorkerKeyFile } from "#common/rpc/keys.ts";
import { startCaddyDaemon, type CaddyDaemon } from "#test/support/caddy-daemon.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { visit } from "#test/support/visit.ts";
import { formatSiteState } from "#worker/accept/site-state.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { readWorkerConfig } from "#worker/config.ts";
import { startWorker } from "#worker/main.ts";
import { createSiteRouter } from "#worker/route/create-site-router.ts";
import { listHosts, makeLive } from "#worker/route/make-live.ts";
import { startLyingAdmin, type LyingAdmin } from "./support/lying-admin.ts";

const log = createLogger({ name: "test", level: "silent" });
const serverPath = "/config/apps/http/servers/catapult";
/** What the worker promises. */
const promisedMs = 30_000;
let folder: string;
let caddy: CaddyDaemon;
let lying: LyingAdmin;
let port: number;
let releasers: Releasers;

/** A worker without Podman: it takes no builds, and serves what it served before, here one site of each kind. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-routes-"));
  caddy = await startCaddyDaemon({ stateDir: folder });
  lying = await startLyingAdmin(() => caddy.admin);
  port = await freePort();
  await mkdir(join(folder, "state/sites"), { recursive: true });
  await mkdir(join(folder, "www/live"), { recursive: true });
  await addRelease(1n, "preview", "pr-1.test");
  await addRelease(2n, "production", "site.test");
  releasers = createReleasers(log);
});
afterEach(async () => {
  lying.set("honest");
  await releasers.runAll();
  await lying.stop();
  await caddy.stop();
  await rm(folder, { recursive: true, force: true });
});

async function addRelease(siteId: bigint, kind: "preview" | "production", host: string): Promise<void> {
  const site = join(folder, `www/sites/${siteId}`);
  for (const name of ["releases/1-00000000", "manifests"]) await mkdir(join(site, name), { recursive: true });
  await writeFile(join(site, "releases/1-00000000/index.html"), host);
  await writeFile(join(site, "manifests/1-00000000.json"), JSON.stringify({ release: "1-00000000", bytes: 1, files: [] }));
  await symlink(`../sites/${siteId}/releases/1-00000000`, join(folder, "www/live", host));
  const live = { release: "1-00000000", generation: 1n };
  const state = { siteId, host, kind, generation: 1n, live, newestMtime: 0, changedAt: Date.now() };
  await writeFile(join(folder, `state/sites/${siteId}.json`), formatSiteState(state));
}

async function start(): Promise<void> {
  const key = { worker: "w1", sign: createSigningKey("w1-1"), verify: [createSigningKey("central-1")] };
  const config = readWorkerConfig({
    WORKER_KEY: formatWorkerKeyFile(key),
    CENTRAL_URL: `http://127.0.0.1:${await freePort()}`,
    WORKER_LISTEN: "127.0.0.1:0",
    TLS: "off",
    CADDY_ADMIN: lying.url,
    SITES_LISTEN: `127.0.0.1:${port}`,
    SITES_DIR: join(folder, "www"),
    STATE_DIR: join(folder, "state"),
    PODMAN_SOCKET: join(folder, "no-podman.sock"),
  });
  await startWorker(config, log, releasers);
  await expectServed();
}

async function expectServed(): Promise<void> {
  await eventually(async () => {
    for (const host of ["pr-1.test", "site.test"]) expect(await visit(port, host)).toMatchObject({ status: 200, body: host });
    expect((await visit(port, "other.test")).status).toBe(404);
  }, promisedMs);
}

const server = async (): Promise<unknown> => (await createCaddyAdmin(caddy.admin).get(serverPath)).value;

test("faults 18 and 19: a Caddy that was killed, and comes back without what it had saved, serves every host again", async () => {
  await start();
  const before = await server();
  await caddy.kill();
  await expect(visit(port, "site.test")).rejects.toThrow("ECONN");
  // It has no autosave: its configuration is empty, as after the file was deleted.
  await caddy.start();
  expect(await createCaddyAdmin(caddy.admin).get("/config/apps")).toMatchObject({ value: null });
  await expectServed();
  expect(await server()).toEqual(before);
});

test("fault 21: a route that was removed, doubled or changed by hand is there exactly once again, and what else Caddy serves stays", async () => {
  await start();
  const admin = createCaddyAdmin(caddy.admin);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the worker itself has set
  const before = (await server()) as { routes: object[] };
  const other = { listen: [`127.0.0.1:${await freePort()}`], routes: [] };
  await admin.write("POST", "/config/apps/http/servers/other", other);
  const [previews, production, last] = before.routes;
  const wrong = [
    [production, last],
    [last, previews, previews, production, last],
  ];
  for (const routes of wrong) {
    await admin.write("PATCH", `${serverPath}/routes`, routes);
    await eventually(async () => expect(await server()).toEqual(before), promisedMs);
    await expectServed();
  }
  expect((await admin.get("/config/apps/http/servers/other")).value).toEqual(other);
});

test.each(["500", "412", "hang"] as const)(
  "fault 20: an admin API that answers with %s is an error after a bounded time, never a success; once it works all is set",
  async (lie) => {
    const store = await openSiteStore(join(folder, "state/sites"));
    const options = { listen: [`127.0.0.1:${port}`], liveDir: join(folder, "www/live") };
    const router = createSiteRouter({
      caddyAdmin: lying.url,
      ...options,
      hosts: () => listHosts(store.all()),
      callTimeoutMs: 500,
    });
    // Its first configuration makes Caddy close what is open at its admin API.
    await eventually(() => router.reconcile());
    await addRelease(3n, "preview", "pr-3.test");
    await rm(join(folder, "www/live/pr-3.test"));
    const state = { siteId: 3n, host: "pr-3.test", kind: "preview" as const, generation: 1n, newestMtime: 0, changedAt: 0 };
    await store.withLock(3n, () => store.put(state));
    const permit = { ask: async () => undefined, holds: () => true };
    const goLive = (): Promise<void> =>
      makeLive(
        { sitesDir: join(folder, "www"), store, router, routeTimeoutMs: 1_000 },
        { ...state, release: "1-00000000", permit },
      );
    lying.set(lie);
    await expect(goLive()).rejects.toMatchObject({ name: "RouteError" });
    expect(store.get(3n)).not.toHaveProperty("live");
    expect(lying.lies()).toBeGreaterThan(1);
    await expectServed();
    expect((await visit(port, "pr-3.test")).status).toBe(404);
    lying.set("honest");
    await goLive();
    expect(await visit(port, "pr-3.test")).toMatchObject({ status: 200, body: "pr-3.test" });
  },
);
