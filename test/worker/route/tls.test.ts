import { mkdtemp, mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCertificates } from "#local/certificates/create-certificates.ts";
import { startTestCaddy, type TestCaddy } from "#test/support/caddy.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { createSiteRouter } from "#worker/route/create-site-router.ts";

let caddy: TestCaddy;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catapult-tls-"));
  caddy = await startTestCaddy();
});
afterAll(async () => {
  await caddy.stop();
  await rm(folder, { recursive: true, force: true });
});

test("With a wildcard certificate the sites are HTTPS, no certificate is ordered, and a renewed file is loaded again", async () => {
  const port = await freePort();
  const files = await createCertificates({ directory: join(folder, "tls"), hosts: ["*.sites.test"] });
  await mkdir(join(folder, "live"));
  await mkdir(join(folder, "release"));
  await writeFile(join(folder, "release/index.html"), "secure");
  await symlink("../release", join(folder, "live/a.sites.test"));
  const admin = createCaddyAdmin(caddy.admin);
  // What somebody else set up in the same Caddy stays.
  await admin.write("POST", "/config/apps", { tls: { certificates: { load_files: [] } } });
  const router = createSiteRouter({
    caddyAdmin: caddy.admin,
    listen: [`127.0.0.1:${port}`],
    liveDir: join(folder, "live"),
    tls: { certFile: files.certFile, keyFile: files.keyFile },
    hosts: () => ({ previews: [], production: ["a.sites.test"] }),
  });
  await router.reconcile();
  const ca = await readFile(files.caFile, "utf8");
  const body = await new Promise<string>((settle, refuse) => {
    const options = {
      hostname: "127.0.0.1",
      port,
      servername: "a.sites.test",
      ca,
      headers: { host: "a.sites.test" },
      agent: false,
    };
    request({ ...options, path: "/" }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.on("end", () => settle(text));
    })
      .on("error", refuse)
      .end();
  });
  expect(body).toBe("secure");
  const loaded = async (): Promise<unknown> => (await admin.get("/config/apps/tls/certificates/load_files")).value;
  const before = await loaded();
  await router.reconcile();
  expect(await loaded()).toEqual(before);
  const renewed = new Date(Date.now() + 5_000);
  await utimes(files.certFile, renewed, renewed);
  await router.reconcile();
  expect(await loaded()).not.toEqual(before);
  expect(await loaded()).toHaveLength(1);
});
