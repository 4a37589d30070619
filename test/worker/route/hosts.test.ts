import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { SiteState } from "#worker/accept/site-state.ts";
import { openSiteStore, type SiteStore } from "#worker/accept/site-store.ts";
import { checkHost } from "#central/operator/check-host.ts";
import { startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { isHost } from "#worker/route/is-host.ts";
import { listHosts, makeLive } from "#worker/route/make-live.ts";
import { reconcileRoutes } from "#worker/route/reconcile-routes.ts";
import { renderServer } from "#worker/route/render-server.ts";

const site = (siteId: bigint, changes: Partial<SiteState> = {}): SiteState => ({
  siteId,
  host: `s${siteId}.test`,
  kind: "preview",
  generation: 1n,
  live: { release: "1-00000000", generation: 1n },
  newestMtime: 0,
  changedAt: 0,
  ...changes,
});

describe("the lists of hosts", () => {
  test("hold every host once, in one of them, whatever the states say", () => {
    const name = fc.constantFrom("a.test", "b.test", "A.test", "{env.X}.test", "..", "a.test.", "x/y.test", "");
    const state = fc.record({
      id: fc.bigInt(1n, 9n),
      host: name,
      isLive: fc.boolean(),
      isGoing: fc.boolean(),
      isPreview: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(state, { maxLength: 12 }), (found) => {
        const states = found.map(({ id, host, isLive, isGoing, isPreview }) => {
          const { live, ...rest } = site(id, { host, kind: isPreview ? "preview" : "production" });
          return { ...rest, ...(isLive ? { live: live! } : {}), ...(isGoing ? { removal: "pending" as const } : {}) };
        });
        const { previews, production } = listHosts(states);
        const all = [...previews, ...production];
        expect(new Set(all).size).toBe(all.length);
        expect(all.every((host) => /^[a-z0-9.-]+$/.test(host))).toBe(true);
        const wanted = states.filter(({ live, removal, host }) => live !== undefined && removal === undefined && isHost(host));
        expect(new Set(all)).toEqual(new Set(wanted.map(({ host }) => host)));
      }),
    );
  });

  test("stand before a 404, and in Caddy's whole configuration there is no host with a brace", () => {
    const states = [
      site(1n),
      site(2n, { kind: "production" }),
      site(3n, { host: "{http.request.host}" }),
      site(4n, { host: "{env.PATH}.test" }),
    ];
    const server = renderServer({ listen: [":80"], liveDir: "/www/live" }, listHosts(states));
    const ours = (host: string, id: string): object => ({ match: [{ "@id": id, host: [host] }] });
    expect(server).toMatchObject({
      routes: [ours("s1.test", "catapult-previews"), ours("s2.test", "catapult-production"), { handle: [{ status_code: 404 }] }],
    });
    expect(JSON.stringify(server)).not.toMatch(/\{env|s3|s4/);
    expect(
      JSON.stringify(server)
        .match(/"host":\[[^\]]*\]/g)
        ?.join(),
    ).not.toContain("{");
  });

  test("take a host for one whenever Central does, and never one that is a path, a pattern or a placeholder", () => {
    const part = fc.constantFrom("a", "0", "-", ".", "{", "}", "*", "/", "\n", "A", "é", " ", ":", "\0", "xn--", "test");
    const text = fc.oneof(
      fc.domain(),
      fc.string(),
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (host) => {
        const verdict = isHost(host);
        // Central's rule is the narrower one.
        expect(checkHost(host) !== undefined || verdict).toBe(true);
        expect(!verdict || (join("/live", host) === `/live/${host}` && !/[^a-z0-9.-]/.test(host))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("M1 a host that another site has", () => {
  let folder: string;
  let store: SiteStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "catapult-hosts-"));
    store = await openSiteStore(join(folder, "state"));
    return async () => rm(folder, { recursive: true });
  });
  const take = async (siteId: bigint, host: string): Promise<unknown> => {
    const permit = { ask: async () => undefined, holds: () => true };
    const request = { siteId, generation: 1n, host, kind: "preview" as const, release: "1-00000000", newestMtime: 0, permit };
    const router = { reconcile: async () => undefined };
    return makeLive({ sitesDir: join(folder, "www"), store, router, routeTimeoutMs: 0 }, request).then(
      () => "live",
      (error: unknown) => (error instanceof Error ? error.name : error),
    );
  };
  async function accept(siteId: bigint): Promise<void> {
    const { live: _, ...accepted } = site(siteId, { host: "wanted.test" });
    await store.put(accepted);
  }

  test("input 38 is given to one of two that want it at the same moment, and to no other afterwards", async () => {
    for (const siteId of [1n, 2n, 3n]) await accept(siteId);
    const outcomes = await Promise.all([take(1n, "wanted.test"), take(2n, "wanted.test")]);
    expect(new Set(outcomes)).toEqual(new Set(["HostTakenError", "live"]));
    expect(await take(3n, "wanted.test")).toBe("HostTakenError");
    expect(listHosts(store.all())).toEqual({ previews: ["wanted.test"], production: [] });
  });

  test.each(["{env.HOME}.test", "..", "A.test", "a.test.", "a/../b.test", "*.test", "a.test:80", ".hidden.test", "a\n.test"])(
    "input 36 %j is refused at the switch too, and leaves no link",
    async (host) => {
      await accept(1n);
      expect(await take(1n, host)).toBe("RouteError");
      expect(await readdir(join(folder, "www/live")).catch(() => [])).toEqual([]);
      expect(store.get(1n)?.live).toBeUndefined();
    },
  );
});

describe("requests that a browser does not send", () => {
  let caddy: TestCaddy;
  let folder: string;
  let port: number;
  // Over 100 hosts Caddy looks them up in another way.
  const many = Array.from({ length: 150 }, (_, n) => `m${n}.test`);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "catapult-raw-"));
    caddy = await startTestCaddy();
    port = await freePort();
    await mkdir(join(folder, "live"));
    await writeFile(join(folder, "outside.txt"), "OUTSIDE");
    for (const host of ["a.test", "b.test", "gone.test", "m7.test"]) {
      await mkdir(join(folder, "r", host, "folder"), { recursive: true });
      await writeFile(join(folder, "r", host, "index.html"), `INDEX of ${host}`);
      await writeFile(join(folder, "r", host, ".env"), "SECRET");
      await symlink(`../r/${host}`, join(folder, "live", host));
    }
    const options = { listen: [`127.0.0.1:${port}`], liveDir: join(folder, "live") };
    await reconcileRoutes(createCaddyAdmin(caddy.admin), options, { previews: ["a.test", ...many], production: ["b.test"] });
  });
  afterAll(async () => {
    await caddy.stop();
    await rm(folder, { recursive: true });
  });

  function send(lines: string[]): Promise<{ status: number; text: string }> {
    return new Promise((settle, refuse) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write([...lines, "Connection: close", "", ""].join("\r\n"), "latin1"),
      );
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
      socket.once("error", refuse);
      socket.once("close", () => settle({ status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), text }));
    });
  }

  test.each<[string, number, string[]]>([
    ["input 63 a Host of its own", 200, ["GET / HTTP/1.1", "Host: a.test"]],
    ["input 63 two Hosts", 400, ["GET / HTTP/1.1", "Host: a.test", "Host: b.test"]],
    ["input 63 two Hosts in one line", 400, ["GET / HTTP/1.1", "Host: a.test, b.test"]],
    ["input 63 no Host", 400, ["GET / HTTP/1.1"]],
    ["input 63 an empty Host", 404, ["GET / HTTP/1.1", "Host:"]],
    ["input 63 no Host in HTTP/1.0", 404, ["GET / HTTP/1.0"]],
    ["input 63 an upper-case Host", 404, ["GET / HTTP/1.1", "Host: M7.TEST"]],
    ["input 63 a Host with a dot at its end", 404, ["GET / HTTP/1.1", "Host: a.test."]],
    ["input 63 a Host of two dots", 404, ["GET / HTTP/1.1", "Host: .."]],
    ["input 63 a Host that is a path", 400, ["GET / HTTP/1.1", "Host: ../r/gone.test"]],
    ["input 63 a Host that is a placeholder", 400, ["GET / HTTP/1.1", "Host: {env.HOME}"]],
    ["input 63 a Host with a user", 400, ["GET / HTTP/1.1", "Host: x@a.test"]],
    ["input 63 a host that is linked, but not in a list", 404, ["GET / HTTP/1.1", "Host: gone.test"]],
    ["input 63 an absolute URL of an unknown host", 404, ["GET http://evil.test/ HTTP/1.1", "Host: a.test"]],
    ["input 62 an encoded climb", 404, ["GET /..%2f..%2foutside.txt HTTP/1.1", "Host: a.test"]],
    ["input 62 a climb", 404, ["GET /../../outside.txt HTTP/1.1", "Host: a.test"]],
    ["input 62 a climb in capitals", 404, ["GET /%2E%2E/%2E%2E/outside.txt HTTP/1.1", "Host: a.test"]],
    ["input 62 a climb of backslashes", 404, ["GET /..\\..\\outside.txt HTTP/1.1", "Host: a.test"]],
    ["input 62 a NUL", 404, ["GET /index.html%00.txt HTTP/1.1", "Host: a.test"]],
    ["input 62 two slashes", 404, ["GET //evil.test HTTP/1.1", "Host: a.test"]],
    ["input 62 an encoded dotfile", 404, ["GET /%2eenv HTTP/1.1", "Host: a.test"]],
    ["input 62 a dotfile behind two slashes", 404, ["GET //.env HTTP/1.1", "Host: a.test"]],
    ["input 62 a dotfile behind a climb", 404, ["GET /folder/../.env HTTP/1.1", "Host: a.test"]],
    ["input 62 no path", 400, ["GET  HTTP/1.1", "Host: a.test"]],
  ])("%s: %i", async (_, status, lines) => {
    const answer = await send(lines);
    expect(answer.status).toBe(status);
    for (const word of ["OUTSIDE", "SECRET", "INDEX of gone", "INDEX of b"]) expect(answer.text).not.toContain(word);
    expect(answer.text.includes("INDEX of")).toBe(status === 200);
  });

  test("input 63 an absolute URL is served by its own host, whatever the Host beside it says", async () => {
    const answer = await send(["GET http://b.test/ HTTP/1.1", "Host: a.test"]);
    expect(answer.text).not.toContain("INDEX of a.test");
    expect(answer.text).toContain("INDEX of b.test");
  });

  test("input 62 a folder behind two slashes is redirected on the same host, not to another one", async () => {
    const { status, text } = await send(["GET //folder HTTP/1.1", "Host: a.test"]);
    expect([200, 308, 404]).toContain(status);
    expect(text).not.toMatch(/location: \/\//i);
  });
});
