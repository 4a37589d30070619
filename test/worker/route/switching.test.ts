import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getSite, startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { freePort } from "#test/support/free-port.ts";
import { packFiles } from "#test/support/tar.ts";
import { switchLiveLink } from "#worker/publish/live-link.ts";
import { publishRelease } from "#worker/publish/publish-release.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { reconcileRoutes } from "#worker/route/reconcile-routes.ts";

let caddy: TestCaddy;
let sitesDir: string;

beforeAll(async () => {
  sitesDir = await mkdtemp(join(tmpdir(), "catapult-switch-"));
  caddy = await startTestCaddy();
});
afterAll(async () => {
  await caddy.stop();
  await rm(sitesDir, { recursive: true, force: true });
});

test("While 200 releases are switched, no request fails, none sees two releases in one body, and no old page is called unchanged", async () => {
  const port = await freePort();
  const host = "pr-1.test";
  const size = 20_000;
  let newestMtime = 0;
  const publish = async (generation: number): Promise<string> => {
    const release = `${generation}-0a1b2c3d`;
    const body = String.fromCharCode(97 + (generation % 26)).repeat(size);
    const published = await publishRelease({
      sitesDir,
      siteId: 1n,
      release,
      newestMtime,
      tar: async () => Readable.from([await packFiles({ "index.html": body })]),
      limits: { maxBytes: 1e6, maxFiles: 10 },
      signal: new AbortController().signal,
    });
    newestMtime = published.newestMtime;
    return release;
  };
  await switchLiveLink(sitesDir, host, 1n, await publish(1));
  const options = { listen: [`127.0.0.1:${port}`], liveDir: join(sitesDir, "live") };
  await reconcileRoutes(createCaddyAdmin(caddy.admin), options, { previews: [host], production: [] });
  const releases: string[] = [];
  for (let generation = 2; generation <= 30; generation++) releases.push(await publish(generation));
  const hammering = { on: true };
  const failures: string[] = [];
  let requests = 0;
  const hammer = async (): Promise<void> => {
    let known = { etag: "", body: "" };
    while (hammering.on) {
      const answer = await getSite(port, host, "/", known.etag === "" ? {} : { "if-none-match": known.etag });
      requests++;
      if (answer.status === 200) {
        if (answer.body !== answer.body.charAt(0).repeat(size)) failures.push("a mixed or short body");
        known = { etag: answer.headers.etag ?? "", body: answer.body };
      } else if (answer.status !== 304) failures.push(`status ${answer.status}`);
    }
  };
  const hammers = Promise.all(Array.from({ length: 4 }, hammer));
  for (let turn = 0; turn < 200; turn++) {
    await switchLiveLink(sitesDir, host, 1n, releases[turn % releases.length]!);
    await new Promise((settle) => setTimeout(settle, 5));
  }
  hammering.on = false;
  await hammers;
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThan(200);
  const last = await getSite(port, host, "/");
  expect(last.body.charAt(0)).toBe(String.fromCharCode(97 + (((199 % 29) + 2) % 26)));
});
