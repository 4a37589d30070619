import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startCaddy } from "#local/caddy/start-caddy.ts";
import { createCaddyAdmin } from "#worker/caddy/caddy-admin.ts";

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "catapult caddy "));
  folders.push(folder);
  return folder;
}

test("Caddy's admin API is a socket in a folder that nobody else may enter, also where the state folder's path is long", async () => {
  for (const stateDir of [await makeFolder(), join(await makeFolder(), "deep".repeat(40))]) {
    const caddy = await startCaddy({ stateDir, log: () => undefined });
    const socket = caddy.admin.slice("unix/".length);
    expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(107);
    expect((await stat(dirname(socket))).mode & 0o777).toBe(0o700);
    expect((await createCaddyAdmin(caddy.admin).get("/config/admin")).value).toMatchObject({ origins: ["127.0.0.1"] });
    await caddy.stop();
    await expect(stat(socket)).rejects.toThrow("ENOENT");
  }
});

test("A Caddy that a killed run left is ended by the next start, which begins with an empty configuration", async () => {
  const stateDir = await makeFolder();
  const first = await startCaddy({ stateDir, log: () => undefined });
  await createCaddyAdmin(first.admin).write("POST", "/config/apps", { http: { servers: {} } });
  const second = await startCaddy({ stateDir, log: () => undefined });
  expect(second.pid).not.toBe(first.pid);
  expect((await createCaddyAdmin(second.admin).get("/config/apps")).value).toBeNull();
  await second.stop();
  await first.stop();
});
