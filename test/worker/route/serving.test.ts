import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { getSite, startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin, type CaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { reconcileRoutes, type RouteOptions } from "#worker/route/reconcile-routes.ts";

let caddy: TestCaddy;
let admin: CaddyAdmin;
let port: number;
let folder: string;
let options: RouteOptions;
const hosts = { previews: ["plain.test"], production: ["spa.test", "missing.test"] };

async function makeSite(host: string, files: Record<string, string>): Promise<void> {
  for (const [path, body] of Object.entries(files)) {
    await mkdir(dirname(join(folder, "r", host, path)), { recursive: true });
    await writeFile(join(folder, "r", host, path), body);
  }
  await mkdir(join(folder, "live"), { recursive: true });
  await symlink(`../r/${host}`, join(folder, "live", host));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-serving-"));
  caddy = await startTestCaddy();
  admin = createCaddyAdmin(caddy.admin);
  port = await freePort();
  options = { listen: [`127.0.0.1:${port}`], liveDir: join(folder, "live") };
  await makeSite("plain.test", {
    "index.html": "INDEX",
    "about.html": "ABOUT",
    "docs/index.html": "DOCS",
    "folder/x.txt": "X",
    "a [b]*.txt": "GLOB",
    ".env": "SECRET",
    ".well-known/security.txt": "KNOWN",
    "_app/immutable/chunk.js": "CHUNK",
    "assets/index-CnYZkq1v.js": "HASHED",
    "assets/my-portrait.png": "NAMED",
    "assets/IMG-20240101.jpg": "DATED",
    "long.js": "x".repeat(5_000),
    "side.js": "PLAIN",
    "side.js.br": "BROTLI",
  });
  await makeSite("spa.test", { "index.html": "INDEX", "200.html": "SPA", "404.html": "GONE" });
  await makeSite("missing.test", { "index.html": "INDEX", "404.html": "GONE" });
  await reconcileRoutes(admin, options, hosts);
});
afterAll(async () => {
  await caddy.stop();
  await rm(folder, { recursive: true, force: true });
});

test.each<[string, string, number, string]>([
  ["plain.test", "/", 200, "INDEX"],
  ["plain.test", "/about", 200, "ABOUT"],
  ["plain.test", "/docs/", 200, "DOCS"],
  ["plain.test", "/a%20%5Bb%5D%2A.txt", 200, "GLOB"],
  ["plain.test", "/.well-known/security.txt", 200, "KNOWN"],
  ["plain.test", "/.env", 404, "Not Found\n"],
  ["plain.test", "/folder", 404, "Not Found\n"],
  ["plain.test", "/nothing", 404, "Not Found\n"],
  ["plain.test", "/..%2f..%2fr/spa.test/200.html", 404, "Not Found\n"],
  ["plain.test", "/%2e%2e/%2e%2e/r", 404, "Not Found\n"],
  ["plain.test", "/a%00b", 404, "Not Found\n"],
  ["plain.test", "//evil.test", 404, "Not Found\n"],
  ["plain.test", "/{env.PATH}", 404, "Not Found\n"],
  ["spa.test", "/deep/path", 200, "SPA"],
  ["missing.test", "/deep/path", 404, "GONE"],
  ["PLAIN.TEST", "/", 404, "Not Found\n"],
  ["plain.test.", "/", 404, "Not found\n"],
  ["..", "/", 404, "Not found\n"],
  ["unknown.test", "/", 404, "Not found\n"],
])("%s%s answers %i", async (host, path, status, body) => {
  const answer = await getSite(port, host, path);
  expect([answer.status, answer.body]).toEqual([status, body]);
  expect(answer.headers["x-content-type-options"]).toBe("nosniff");
});

test("A folder without its slash is redirected to it on the same host, also behind two slashes", async () => {
  expect(await getSite(port, "plain.test", "/docs")).toMatchObject({ status: 308, headers: { location: "/docs/" } });
  expect(await getSite(port, "plain.test", "//docs")).toMatchObject({ status: 308, headers: { location: "/docs/" } });
});

test("Without 200.html and 404.html only navigations get /index.html", async () => {
  expect((await getSite(port, "plain.test", "/route", { accept: "text/html,*/*" })).body).toBe("INDEX");
  expect((await getSite(port, "missing.test", "/route", { accept: "text/html" })).body).toBe("GONE");
});

async function policy(host: string, path: string): Promise<unknown> {
  return (await getSite(port, host, path)).headers["cache-control"];
}

test("Only what carries its hash in its name is kept for ever, and never a fallback in its place", async () => {
  const kept = "public, max-age=31536000, immutable";
  expect(await policy("plain.test", "/_app/immutable/chunk.js")).toBe(kept);
  expect(await policy("plain.test", "/assets/index-CnYZkq1v.js")).toBe(kept);
  expect(await policy("plain.test", "/assets/my-portrait.png")).toBe("no-cache");
  expect(await policy("plain.test", "/assets/IMG-20240101.jpg")).toBe("no-cache");
  expect(await policy("plain.test", "/")).toBe("no-cache");
  expect(await policy("spa.test", "/_app/immutable/gone.js")).toBe("no-cache");
});

test("Compression comes from the build's own files, else on the fly; ETags decide what has changed", async () => {
  expect(await getSite(port, "plain.test", "/side.js", { "accept-encoding": "br" })).toMatchObject({
    body: "BROTLI",
    headers: { "content-encoding": "br" },
  });
  expect((await getSite(port, "plain.test", "/long.js", { "accept-encoding": "gzip" })).headers["content-encoding"]).toBe("gzip");
  const { headers } = await getSite(port, "plain.test", "/");
  expect(headers["last-modified"]).toBeUndefined();
  expect((await getSite(port, "plain.test", "/", { "if-none-match": headers.etag ?? "" })).status).toBe(304);
});

test("Search engines are kept from previews and not from production", async () => {
  expect((await getSite(port, "plain.test", "/")).headers["x-robots-tag"]).toBe("noindex");
  expect((await getSite(port, "spa.test", "/")).headers["x-robots-tag"]).toBeUndefined();
});

test("Reconciling changes nothing when nothing differs, and mends whatever was done by hand, without touching other servers", async () => {
  expect(await reconcileRoutes(admin, options, hosts)).toEqual({ changed: false });
  const other = {
    listen: [`127.0.0.1:${await freePort()}`],
    routes: [{ handle: [{ handler: "static_response", body: "other" }] }],
  };
  await admin.write("POST", "/config/apps/http/servers/other", other);
  const routes = "/config/apps/http/servers/catapult/routes";
  const before = await admin.get("/config/apps/http/servers/catapult");
  for (const broken of [[], [{ match: [{ "@id": "catapult-previews", host: ["x.test"] }] }]]) {
    await admin.write("PATCH", routes, broken);
    expect(await reconcileRoutes(admin, options, hosts)).toEqual({ changed: true });
    expect((await admin.get("/config/apps/http/servers/catapult")).value).toEqual(before.value);
  }
  expect((await admin.get("/config/apps/http/servers/other")).value).toEqual(other);
  expect((await admin.get("/id/catapult-previews")).value).toMatchObject({ host: ["plain.test"] });
});

test("A Caddy that lost its configuration, or has an HTTP app without servers, is filled again", async () => {
  for (const app of [null, {}, { servers: null }, { servers: {} }]) {
    await admin.write("POST", "/config/apps", app === null ? {} : { http: app });
    expect(await reconcileRoutes(admin, options, hosts)).toEqual({ changed: true });
    expect((await getSite(port, "plain.test", "/")).body).toBe("INDEX");
  }
});

test("A write on a configuration that changed meanwhile is refused with 412 and changes nothing", async () => {
  const { etag, value } = await admin.get("/config/apps/http/servers/catapult");
  expect(etag).not.toBe("");
  await admin.write("POST", "/config/apps/http/grace_period", "1s");
  await admin.write("PATCH", "/config/apps/http/servers/catapult/listen", options.listen);
  await admin.write("PATCH", "/config/apps/http/servers/catapult/automatic_https", { disable: true, disable_redirects: true });
  await expect(admin.write("PATCH", "/config/apps/http/servers/catapult", value, etag)).rejects.toMatchObject({ status: 412 });
  await reconcileRoutes(admin, options, hosts);
});

test("With no hosts at all every request is a 404", async () => {
  await reconcileRoutes(admin, options, { previews: [], production: [] });
  expect((await getSite(port, "plain.test", "/")).status).toBe(404);
  await reconcileRoutes(admin, options, hosts);
});
