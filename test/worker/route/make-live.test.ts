import { mkdir, mkdtemp, readdir, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSiteStore, type SiteStore } from "#worker/accept/site-store.ts";
import { Stopped } from "#worker/accept/stopped.ts";
import { switchLiveLink } from "#worker/publish/live-link.ts";
import { restoreLinks } from "#worker/publish/restore-links.ts";
import { makeLive, type LiveRequest } from "#worker/route/make-live.ts";

let folder: string;
let store: SiteStore;
let reconciled: number;
let caddyWorks: boolean;
const permit = { ask: async () => undefined, holds: () => true };
const link = (host: string): string => join(folder, "www/live", host);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-live-"));
  store = await openSiteStore(join(folder, "state"));
  reconciled = 0;
  caddyWorks = true;
  await accept(1n);
});
afterEach(async () => rm(folder, { recursive: true, force: true }));

async function accept(generation: bigint): Promise<void> {
  const before = store.get(1n);
  await store.put({ siteId: 1n, host: "a.test", kind: "preview", newestMtime: 0, changedAt: 0, ...before, generation });
}

async function switchTo(generation: bigint, changes: Partial<LiveRequest> = {}): Promise<void> {
  const router = {
    async reconcile() {
      reconciled++;
      if (!caddyWorks) throw new Error("no Caddy");
    },
  };
  const release = `${generation}-00000000`;
  const request = {
    siteId: 1n,
    generation,
    host: "a.test",
    kind: "preview" as const,
    release,
    newestMtime: 5,
    permit,
    ...changes,
  };
  await makeLive({ sitesDir: join(folder, "www"), store, router, routeTimeoutMs: 0 }, request);
}

test("A release goes live by its link, and Caddy is told only of a host that is new to it", async () => {
  await switchTo(1n);
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/1-00000000");
  expect(reconciled).toBe(1);
  await accept(2n);
  await switchTo(2n);
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/2-00000000");
  expect(reconciled).toBe(1);
});

test("Work whose end was ordered while it switched leaves the older release live, on the disk and in the stored state", async () => {
  await switchTo(1n);
  await accept(2n);
  const before = store.get(1n);
  const canceled = {
    ask: async () => undefined,
    holds(): boolean {
      throw new Stopped("canceled", "ordered");
    },
  };
  await expect(switchTo(2n, { permit: canceled })).rejects.toMatchObject({ why: "canceled" });
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/1-00000000");
  expect(store.get(1n)).toEqual(before);
  expect(await readdir(join(folder, "www/live"))).toEqual(["a.test"]);
});

test("Central is asked again when its answer is too old at the switch, and is given up when it always is", async () => {
  let asked = 0;
  await switchTo(1n, { permit: { ask: async () => void asked++, holds: () => asked === 3 } });
  expect(asked).toBe(3);
  await accept(2n);
  await expect(switchTo(2n, { permit: { ask: async () => undefined, holds: () => false } })).rejects.toThrow("came too late");
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/1-00000000");
});

test("Work that was overtaken while it published changes nothing, whatever it built", async () => {
  await switchTo(1n);
  await accept(3n);
  await expect(switchTo(2n)).rejects.toMatchObject({ name: "Stopped", why: "superseded" });
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/1-00000000");
  const state = store.get(1n)!;
  await store.put({ ...state, removal: "pending" });
  await expect(switchTo(3n)).rejects.toMatchObject({ why: "superseded" });
});

test("A new host is served before the old one's link goes", async () => {
  await switchTo(1n);
  await accept(2n);
  await switchTo(2n, { host: "b.test", kind: "production" });
  expect(await readdir(join(folder, "www/live"))).toEqual(["b.test"]);
  expect([reconciled, store.get(1n)?.host, store.get(1n)?.kind]).toEqual([2, "b.test", "production"]);
});

test("A Caddy that cannot be brought to serve a host is an error, never a success, and what was reported as failed is not served later", async () => {
  caddyWorks = false;
  await expect(switchTo(1n)).rejects.toMatchObject({ name: "RouteError" });
  expect(store.get(1n)).toMatchObject({ generation: 1n });
  expect(store.get(1n)).not.toHaveProperty("live");
  expect(await readdir(join(folder, "www/live"))).toEqual([]);
  caddyWorks = true;
  await switchTo(1n);
  await accept(2n);
  caddyWorks = false;
  await expect(switchTo(2n, { host: "b.test" })).rejects.toMatchObject({ name: "RouteError" });
  expect(store.get(1n)).toMatchObject({ generation: 2n, host: "a.test", live: { release: "1-00000000", generation: 1n } });
  await accept(3n);
  await expect(switchTo(3n, { kind: "production" })).rejects.toMatchObject({ name: "RouteError" });
  expect(store.get(1n)).toMatchObject({ kind: "preview", live: { release: "1-00000000" } });
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/1-00000000");
  expect(await readdir(join(folder, "www/live"))).toEqual(["a.test"]);
});

test("A switch that fails leaves the link and the stored state where they were", async () => {
  await switchTo(1n);
  await accept(2n);
  process.env["CATAPULT_FAILPOINT"] = "publish.after-fence:enospc";
  try {
    await expect(switchTo(2n)).rejects.toMatchObject({ code: "ENOSPC" });
  } finally {
    delete process.env["CATAPULT_FAILPOINT"];
  }
  expect(store.get(1n)).toMatchObject({ generation: 2n, live: { release: "1-00000000", generation: 1n } });
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/1-00000000");
  expect(await readdir(join(folder, "www/live"))).toEqual(["a.test"]);
});

test("After a crash between the stored state and the link the start puts the link right", async () => {
  for (const name of ["releases/1-00000000", "releases/2-00000000", "manifests"])
    await mkdir(join(folder, "www/sites/1", name), { recursive: true });
  await writeFile(join(folder, "www/sites/1/manifests/2-00000000.json"), '{"release":"2-00000000","bytes":0,"files":[]}');
  await switchLiveLink(join(folder, "www"), "a.test", 1n, "1-00000000");
  expect(await restoreLinks(join(folder, "www"), [{ siteId: 1n, host: "a.test", release: "2-00000000" }])).toEqual([]);
  expect(await readlink(link("a.test"))).toBe("../sites/1/releases/2-00000000");
  expect(await restoreLinks(join(folder, "www"), [{ siteId: 1n, host: "a.test", release: "9-00000000" }])).toEqual(["a.test"]);
});

test("After a crash between a host's change and the end of its old link the start takes that away, and nothing that is not a worker's", async () => {
  await switchLiveLink(join(folder, "www"), "old.test", 1n, "1-00000000");
  await writeFile(link("notes.txt"), "an operator's");
  await symlink("/srv/by-hand", link("by-hand.test"));
  await restoreLinks(join(folder, "www"), []);
  expect((await readdir(join(folder, "www/live"))).toSorted()).toEqual(["by-hand.test", "notes.txt"]);
});

test("What a site's state says is the same after a restart, and a cut write costs nothing", async () => {
  await switchTo(1n);
  await writeFile(join(folder, "state/1.json.1-1.tmp"), "{");
  const again = await openSiteStore(join(folder, "state"));
  expect([...again.all()]).toEqual([...store.all()]);
  expect(await readdir(join(folder, "state"))).toEqual(["1.json"]);
});
