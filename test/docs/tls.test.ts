import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "#test/support/eventually.ts";
import { freePort } from "#test/support/free-port.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";
import { judgeAdmin } from "#worker/caddy/judge-admin.ts";
import { createSiteRouter } from "#worker/route/create-site-router.ts";
import { startAskServer } from "#worker/route/start-ask-server.ts";

const releases: (() => Promise<unknown>)[] = [];
const asked: string[] = [];
let port: number;
let admin: string;

beforeAll(async () => {
  const page = await readFile(join(import.meta.dirname, "../../docs/tls.md"), "utf8");
  const caddyfile = /```caddyfile\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const folder = await mkdtemp(join(tmpdir(), "catapult-on-demand-"));
  releases.push(() => rm(folder, { recursive: true }));
  const hosts = ["www.sites.test"];
  const ask = await startAskServer({
    listen: { host: "127.0.0.1", port: 0 },
    isServed(host) {
      asked.push(host);
      return hosts.includes(host);
    },
  });
  releases.push(() => ask.stop());
  port = await freePort();
  const [adminPort, sitesPort] = [await freePort(), await freePort()];
  admin = `http://127.0.0.1:${adminPort}`;
  // Its ports, and a CA of its own in place of Let's Encrypt.
  const changes: [RegExp, string][] = [
    [/127\.0\.0\.1:2019/, `127.0.0.1:${adminPort}`],
    [/127\.0\.0\.1:8446/, `127.0.0.1:${ask.port}`],
    [/127\.0\.0\.1:8080/, `127.0.0.1:${sitesPort}`],
    [/^\{\n/, `{\n\tlocal_certs\n\tskip_install_trust\n\thttp_port ${await freePort()}\n\thttps_port ${port}\n`],
  ];
  const text = changes.reduce((before, [pattern, value]) => {
    if (!pattern.test(before)) throw new Error(`docs/tls.md: its Caddyfile has no ${pattern.source}`);
    return before.replaceAll(new RegExp(pattern, "g"), value);
  }, caddyfile);
  await writeFile(join(folder, "Caddyfile"), text);
  const env = { PATH: process.env["PATH"], HOME: folder };
  const child = spawn("caddy", ["run", "--config", join(folder, "Caddyfile"), "--adapter", "caddyfile"], {
    env,
    stdio: "ignore",
  });
  releases.push(async () => {
    const exited = once(child, "exit");
    child.kill("SIGTERM");
    await exited;
  });
  await eventually(() => createCaddyAdmin(admin).get("/config/"));
  await mkdir(join(folder, "live"));
  await mkdir(join(folder, "release"));
  await writeFile(join(folder, "release/index.html"), "on demand");
  await symlink("../release", join(folder, "live/www.sites.test"));
  await createSiteRouter({
    caddyAdmin: admin,
    listen: [`127.0.0.1:${sitesPort}`],
    liveDir: join(folder, "live"),
    hosts: () => ({ previews: [], production: hosts }),
  }).reconcile();
});
afterAll(async () => {
  for (const release of releases.toReversed()) await release();
});

async function visit(host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { hostname: "127.0.0.1", port, servername: host, headers: { host }, rejectUnauthorized: false, agent: false };
    const call = request(options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.once("end", () => resolve(`${response.statusCode} ${body}`));
    });
    call.once("error", reject).end();
  });
}

test("with the Caddyfile of docs/tls.md a host that the worker serves gets its certificate when it is visited, and no other host gets one", async () => {
  await eventually(async () => expect(await visit("www.sites.test")).toBe("200 on demand"));
  await expect(visit("stranger.example.org")).rejects.toThrow(/alert|closed|reset|disconnected/);
  expect(asked).toContain("stranger.example.org");
});

test("the admin API of that Caddy is closed to all but its worker", async () => {
  expect(await judgeAdmin(admin)).toBeUndefined();
});
