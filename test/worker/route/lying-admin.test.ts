import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startCaddyDaemon, type CaddyDaemon } from "#test/support/caddy-daemon.ts";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { visit } from "#test/support/visit.ts";
import { formatSiteState } from "#worker/accept/site-state.ts";
import { openSiteStore } from "#worker/accept/site-store.ts";
import { createSiteRouter } from "#worker/route/create-site-router.ts";
import { listHosts, makeLive } from "#worker/route/make-live.ts";
import { startLyingAdmin, type LyingAdmin } from "#test/faults/support/lying-admin.ts";

let folder: string;
let caddy: CaddyDaemon;
let lying: LyingAdmin;
let port: number;

/** What a worker has that serves one site of each kind. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-routes-"));
  caddy = await startCaddyDaemon({ stateDir: folder });
  lying = await startLyingAdmin(() => caddy.admin);
  port = await freePort();
  await mkdir(join(folder, "state/sites"), { recursive: true });
  await mkdir(join(folder, "www/live"), { recursive: true });
  await addRelease(1n, "preview", "pr-1.test");
  await addRelease(2n, "production", "site.test");
});
afterEach(async () => {
  lying.set("honest");
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

async function expectServed(): Promise<void> {
  await eventually(async () => {
    for (const host of ["pr-1.test", "site.test"]) expect(await visit(port, host)).toMatchObject({ status: 200, body: host });
    expect((await visit(port, "other.test")).status).toBe(404);
  });
}

test.each(["500", "412", "hang"] as const)(
  "an admin API that answers with %s is an error after a bounded time, never a success; once it works all is set",
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
